"""Poison: whatever is real is refused by name, guests get the virtual one, all comes back."""

import logging
import os
import random
import socket
import threading
import time
import types
from collections.abc import Callable

import pytest
import trio

from trio_lb.sim.poison import EVERYBODY, Poisoned, poisoned
from trio_lb.sim.run import run

TOUCHES: dict[str, Callable[[], object]] = {
    "random.random()": lambda: random.random(),
    "random.shuffle()": lambda: random.shuffle([1]),
    "time.time()": lambda: time.time(),
    "time.monotonic()": lambda: time.monotonic(),
    "time.perf_counter_ns()": lambda: time.perf_counter_ns(),
    "os.urandom()": lambda: os.urandom(8),
    "socket.getaddrinfo()": lambda: socket.getaddrinfo("localhost", 80),
    "Thread.start()": lambda: threading.Thread(target=print).start(),
}


@pytest.mark.parametrize("what", TOUCHES)
def test_who_touches_it_is_named_and_told_what_there_is_instead(what: str) -> None:
    async def main() -> None:
        await trio.sleep(1.0)
        TOUCHES[what]()

    with pytest.raises(Poisoned) as caught:
        run(main)
    message = str(caught.value)
    assert message.startswith(f"{__name__}:")
    assert f" calls {what} in a simulation, where it would differ each time; " in message


async def _in_a_thread() -> None:
    await trio.to_thread.run_sync(print)


async def _over_a_socket() -> None:
    with socket.socket() as sock:
        sock.connect(("127.0.0.1", 9))


@pytest.mark.parametrize("touch", [_in_a_thread, _over_a_socket])
def test_threads_and_sockets_are_for_nobody(touch: Callable[[], types.CoroutineType]) -> None:  # type: ignore[type-arg] # What it sends is nobody's business.
    with pytest.raises(Poisoned, match=r"a simulated program has no threads|use env\.network"):
        run(touch, guests=(__name__,))


def test_a_guest_has_virtual_time_and_the_same_bytes_for_a_seed() -> None:
    async def main() -> tuple[float, float, int, bytes, float]:
        await trio.sleep(2.5)
        wall, ns = time.time(), time.monotonic_ns()
        return wall, time.monotonic(), ns, os.urandom(4), random.random()

    first, again, other = (run(main, seed=seed, guests=(__name__,)) for seed in (1, 1, 2))
    assert first == again
    assert first[:3] == (1_767_225_602.5, 2.5, 2_500_000_000)
    assert first[3:] != other[3:]


def test_everybody_may_be_a_guest_but_our_own_code() -> None:
    ours = types.FunctionType(_ask.__code__, {"time": time, "__name__": "trio_lb.made_up"})

    async def main() -> tuple[float, float]:
        await trio.sleep(1.0)
        return time.monotonic(), random.Random(7).random() * random.random()

    assert run(main, guests=(EVERYBODY,)) == run(main, guests=(EVERYBODY,))
    with poisoned(guests=(EVERYBODY,)), pytest.raises(Poisoned, match=r"^trio_lb\.made_up:"):
        ours()


def _ask() -> float:
    return time.time()


def test_log_records_bear_the_virtual_time(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        await trio.sleep(3.0)
        logging.getLogger("trio_lb.test").warning("here")

    run(main)
    assert [record.created for record in caplog.records] == [1_767_225_603.0]


def test_generators_with_a_seed_are_as_free_as_ever() -> None:
    async def main() -> float:
        await trio.lowlevel.checkpoint()
        return random.Random(4).random()

    assert run(main) == random.Random(4).random()


def test_afterwards_everything_is_as_it_was_even_after_an_error() -> None:
    def all_of_it() -> list[object]:
        own = [vars(random)["random"], time.time, os.urandom, threading.Thread.start]
        return [*own, socket.socket.connect, socket.getaddrinfo, trio.to_thread.run_sync]

    def fail_within() -> None:
        with poisoned():
            raise KeyError

    before = all_of_it()
    with pytest.raises(KeyError):
        fail_within()
    assert all_of_it() == before
    assert "connect" not in vars(socket.socket), "it was inherited, and is again"
