"""A turn: the body as it is read, the client as it leaves, and what is left of both."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.proxy.inside.stage import open_origin
from trio_lb.proxy.inside.turn import DROP_SECONDS, FAREWELL_SECONDS, Turn

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


async def say(turn: Turn, text: bytes = b"ok") -> None:
    turn.answer.begin(200, [])
    await turn.answer.write(text, more=False)


@pytest.mark.parametrize(
    "framed",
    [
        b"Content-Length: 9\r\n\r\nthe whole",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nthe\r\n6\r\n whole\r\n0\r\n\r\n",
    ],
)
async def test_the_body_is_read_to_its_end(framed: bytes, autojump_clock: MockClock) -> None:
    async def program(turn: Turn) -> None:
        whole = b""
        while piece := await turn.read():
            whole += piece
        assert not turn.has_body
        assert await turn.read() == b""
        await say(turn, whole)
        assert await turn.read() is None, "behind the answer nothing is sent any more"

    async with open_origin(program) as client:
        await client.send(HEAD + framed)
        assert (await client.read_response("POST")).body == b"the whole"


async def test_a_client_that_waits_to_be_asked_is_asked_at_the_first_read(
    autojump_clock: MockClock,
) -> None:
    async def program(turn: Turn) -> None:
        await trio.sleep(1.0)
        await say(turn, await turn.read() or b"")

    async with open_origin(program) as client:
        await client.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        await client.expect_until(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert trio.current_time() == 1.0
        await client.send(b"hi")
        assert (await client.read_response("POST")).body == b"hi"


async def test_a_client_that_leaves_in_its_body_is_heard_of(autojump_clock: MockClock) -> None:
    heard: list[tuple[bytes | None, float]] = []

    async def program(turn: Turn) -> None:
        for _ in range(3):
            heard.append((await turn.read(), trio.current_time()))

    async with open_origin(program) as client:
        await client.send(HEAD + b"Content-Length: 9\r\n\r\npart")
        await trio.sleep(1.0)
        client.reset()
        await trio.sleep(1.0)
    assert heard == [(b"part", 0.0), (None, 1.0), (None, 1.0)]


async def test_who_stays_after_the_client_is_ended_a_little_later(
    autojump_clock: MockClock,
) -> None:
    ended: list[float] = []

    async def program(turn: Turn) -> None:
        await turn.gone.wait()
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    async with open_origin(program) as client:
        await client.send(HEAD + b"Content-Length: 0\r\n\r\n")
        await trio.sleep(1.0)
        client.reset()
        await trio.sleep(60.0)
    assert ended == [1.0 + FAREWELL_SECONDS]


async def test_a_body_that_nobody_read_is_dropped_while_it_comes(
    autojump_clock: MockClock,
) -> None:
    async with open_origin(say) as client:
        await client.send(HEAD + b"Content-Length: 9\r\n\r\nnot ")
        assert (await client.read_response("POST")).body == b"ok"
        await trio.sleep(DROP_SECONDS / 2)
        await client.send(b"again" + HEAD + b"Content-Length: 0\r\n\r\n")
        assert (await client.read_response("POST")).body == b"ok"


async def test_a_body_that_does_not_come_ends_the_connection(autojump_clock: MockClock) -> None:
    async with open_origin(say) as client:
        await client.send(HEAD + b"Content-Length: 9\r\n\r\nnot ")
        assert (await client.read_response("POST")).body == b"ok"
        assert await client.expect_rest() == b""
        assert trio.current_time() == DROP_SECONDS


async def test_a_reader_in_the_way_gives_its_place_to_the_end(autojump_clock: MockClock) -> None:
    read: list[bytes | None] = []

    async def program(turn: Turn) -> None:
        async def listen() -> None:
            read.append(await turn.read())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await wait_all_tasks_blocked()
            await say(turn)

    async with open_origin(program) as client:
        await client.send(HEAD + b"Content-Length: 4\r\n\r\n")
        assert (await client.read_response("POST")).body == b"ok"
        await client.send(b"late" + HEAD + b"Content-Length: 0\r\n\r\n")
        assert (await client.read_response("POST")).body == b"ok"
    assert read[0] is None
