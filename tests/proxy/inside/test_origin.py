"""The server on one memory stream: order, ends, faults, and a client that goes."""

import logging

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.proxy.inside.stage import open_origin
from tests.support.clock import run_in_virtual_time
from tests.support.raw import RawClient
from trio_lb.proxy.inside.turn import Turn

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


async def say(turn: Turn, text: bytes = b"ok") -> None:
    turn.answer.begin(200, [])
    await turn.answer.write(text, more=False)


async def test_requests_that_come_together_are_answered_in_their_order(
    autojump_clock: MockClock,
) -> None:
    async def program(turn: Turn) -> None:
        await trio.sleep(float(turn.head.target[1:]))
        await say(turn, turn.head.target)

    async with open_origin(program) as client:
        await client.send(b"".join(GET.replace(b"/x", b"/%d" % n) for n in (3, 1, 2)))
        seen = []
        for _ in range(3):
            seen.append(((await client.read_response()).body, trio.current_time()))
        assert seen == [(b"/3", 3.0), (b"/1", 4.0), (b"/2", 6.0)]


@pytest.mark.parametrize("last", [b"Connection: close\r\n", b""])
async def test_the_connection_ends_when_either_side_says_so(
    last: bytes, autojump_clock: MockClock
) -> None:
    async def program(turn: Turn) -> None:
        turn.answer.begin(200, [] if last else [(b"connection", b"close")])
        await turn.answer.write(b"", more=False)

    async with open_origin(program) as client:
        await client.send(GET.replace(b"\r\n\r\n", b"\r\n" + last + b"\r\n"))
        assert (await client.read_response()).header("connection") == "close"
        assert await client.expect_rest() == b""


async def test_what_is_no_request_is_refused_in_words(autojump_clock: MockClock) -> None:
    async with open_origin(say) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
        answer = await client.read_response()
        assert (answer.status, answer.body) == (400, b"Host is not host[:port]\n")
        assert answer.header("connection") == "close"


async def test_a_program_that_ends_without_a_word_is_a_500_and_told(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def silent(turn: Turn) -> None:
        await trio.lowlevel.checkpoint()

    async with open_origin(silent) as client:
        await client.send(GET)
        assert (await client.read_response()).status == 500
    (logged,) = caplog.records
    assert logged.getMessage() == "app it ended without a whole answer to GET /x"


async def test_an_answer_that_is_left_half_said_is_a_reset(autojump_clock: MockClock) -> None:
    async def half(turn: Turn) -> None:
        turn.answer.begin(200, [])
        await turn.answer.write(b"half", more=True)

    async with open_origin(half) as client:
        await client.send(GET)
        await client.expect_until(b"half")
        await client.expect_reset()


async def test_what_fails_behind_its_answer_is_told_and_costs_nothing(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def late(turn: Turn) -> None:
        await say(turn)
        raise OSError("too late")

    async with open_origin(late) as client:
        for _ in range(2):
            await client.send(GET)
            assert (await client.read_response()).body == b"ok"
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert logged == ["app it failed behind its answer to GET /x"] * 2


async def test_a_client_that_leaves_between_requests_ends_the_connection_quietly(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_origin(say) as client:
        await client.send(GET)
        await client.read_response()
        client.reset()
        await trio.sleep(1.0)
    assert caplog.records == []


@settings(max_examples=60)
@given(
    bodies=st.lists(st.lists(st.binary(max_size=300), max_size=4), min_size=1, max_size=4),
    reads=st.integers(0, 3),
    cut=st.integers(1, 400),
)
def test_law_requests_on_one_connection_never_mix(
    bodies: list[list[bytes]], reads: int, cut: int
) -> None:
    """However bodies are framed, cut into packets, and read or not: each gets its own answer."""

    async def echo(turn: Turn) -> None:
        said = b""
        for _ in range(reads):
            said += await turn.read() or b""
        await say(turn, turn.head.target + b" " + said)

    async def main() -> list[bytes]:
        wire = b"".join(_upload(number, pieces) for number, pieces in enumerate(bodies))
        answers = []
        async with open_origin(echo) as client, trio.open_nursery() as nursery:
            nursery.start_soon(_send_in_packets, client, wire, cut)
            for _ in bodies:
                answers.append((await client.read_response("POST")).body)
        return answers

    answers = run_in_virtual_time(main)
    for number, (answer, pieces) in enumerate(zip(answers, bodies, strict=True)):
        target, _, said = answer.partition(b" ")
        assert target == b"/%d" % number
        assert b"".join(pieces).startswith(said)


def _upload(number: int, pieces: list[bytes]) -> bytes:
    head = b"POST /%d HTTP/1.1\r\nHost: a\r\n" % number
    if number % 2:
        body = b"".join(pieces)
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces if each)
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


async def _send_in_packets(client: RawClient, wire: bytes, size: int) -> None:
    for begin in range(0, len(wire), size):
        await client.send(wire[begin : begin + size])
        await trio.sleep(0.001)
