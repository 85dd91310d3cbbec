"""The system's resolver in a thread: every end of a lookup is an answer, told in trio's thread."""

import socket
import threading

import pytest
import trio

from trio_lb.net.real_lookup import _tell, ask_system
from trio_lb.net.resolver import Answer, Resolver

pytestmark = pytest.mark.real


async def answer_to(name: str) -> Answer:
    """Ask, and wait for the answer."""
    answers: list[tuple[Answer, threading.Thread]] = []
    told = trio.Event()

    def on_answer(answer: Answer) -> None:
        answers.append((answer, threading.current_thread()))
        told.set()

    ask_system(name, on_answer)
    assert not answers, "the asker does not wait"
    await told.wait()
    ((answer, thread),) = answers
    assert thread is threading.current_thread()
    return answer


async def test_a_known_name_gives_each_address_once() -> None:
    answer = await answer_to("localhost")
    assert isinstance(answer, tuple)
    assert "127.0.0.1" in answer
    assert len(set(answer)) == len(answer)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-such-host.invalid", "known|resolution"),
        ("a..example", "label"),
        ("a" * 64 + ".example", "label"),
        ("a\0b", "null|NUL|known"),
    ],
)
async def test_whatever_is_wrong_is_an_answer(name: str, reason: str) -> None:
    answer = await answer_to(name)
    assert isinstance(answer, OSError)
    with pytest.raises(OSError, match=reason):
        raise answer


async def test_an_error_keeps_its_number() -> None:
    with pytest.raises(OSError, match=r"known|resolution") as caught:
        await Resolver(ask_system).resolve("no-such-host.invalid")
    assert caught.value.errno in {socket.EAI_NONAME, socket.EAI_AGAIN}


def test_an_answer_that_comes_after_the_run_is_dropped_in_silence() -> None:
    async def leave() -> trio.lowlevel.TrioToken:
        await trio.lowlevel.checkpoint()
        return trio.lowlevel.current_trio_token()

    told: list[Answer] = []
    _tell(trio.run(leave), told.append, ("127.0.0.1",))
    assert told == []
