"""Async functions of a request: what they get, what they may return, and when they stop."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.proxy.inside.stage import open_origin
from trio_lb.model.errors import RequestCut
from trio_lb.model.request import Request
from trio_lb.model.response import Response
from trio_lb.proxy.inside.handler import handle

GET = b"GET /a?b=c HTTP/1.1\r\nHost: a\r\nX-Real-IP: 10.1.2.3\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nbody"


async def test_it_gets_the_request_as_programs_read_it(autojump_clock: MockClock) -> None:
    async def handler(request: Request) -> str:
        body = await request.read()
        return f"{request.method} {request.path} {request.query} {request.client} {body!r}"

    async with open_origin(partial(handle, handler)) as client:
        await client.send(GET)
        assert (await client.read_response()).body == b"GET /a b=c 10.1.2.3:0 b''"


@pytest.mark.parametrize("result", [None, 7, ["a"], ("a", 200)])
async def test_what_is_no_answer_is_a_500_and_told(
    result: Any, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Request) -> Any:
        await trio.lowlevel.checkpoint()
        return result

    async with open_origin(partial(handle, handler)) as client:
        await client.send(GET)
        assert (await client.read_response()).status == 500
    (logged,) = caplog.records
    assert logged.exc_info is not None
    assert "not a Response, bytes or str" in str(logged.exc_info[1])


async def test_one_that_is_not_async_is_a_500_and_told(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(request: Request) -> Any:
        return "text"

    async with open_origin(partial(handle, handler)) as client:
        await client.send(GET)
        assert (await client.read_response()).status == 500
    (logged,) = caplog.records
    assert logged.exc_info is not None
    assert str(logged.exc_info[1]) == "it is no async function: it returned a str"


async def test_pieces_go_out_as_they_come_and_the_rest_is_closed(
    autojump_clock: MockClock,
) -> None:
    closed: list[float] = []

    async def pieces() -> AsyncGenerator[bytes, None]:
        for piece in (b"one ", b"", b"two "):
            await trio.sleep(1.0)
            yield piece

    async def close() -> None:
        await trio.lowlevel.checkpoint()
        closed.append(trio.current_time())

    async def handler(request: Request) -> Response:
        await trio.lowlevel.checkpoint()
        return Response(200, {}, pieces(), close=close)

    async with open_origin(partial(handle, handler)) as client:
        await client.send(GET)
        await client.expect_until(b"one ")
        assert trio.current_time() == 1.0
        assert (await client.expect_until(b"0\r\n\r\n")).endswith(b"two \r\n0\r\n\r\n")
        await wait_all_tasks_blocked()
    assert closed == [3.0]


async def test_an_upload_that_is_cut_raises_in_the_handler(autojump_clock: MockClock) -> None:
    seen: list[object] = []

    async def handler(request: Request) -> str:
        try:
            async for piece in request:
                seen.append(piece)
        except RequestCut as error:
            seen.append(str(error))
            raise
        return "whole"

    async with open_origin(partial(handle, handler)) as client:
        await client.send(POST)
        await trio.sleep(1.0)
        await client.send_eof()
        await trio.sleep(1.0)
    assert seen == [b"body", "the client left in the middle of its body"]


async def test_it_is_cancelled_when_its_client_has_left(autojump_clock: MockClock) -> None:
    ended: list[float] = []

    async def handler(request: Request) -> str:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())
        return "never"

    async with open_origin(partial(handle, handler)) as client:
        await client.send(GET)
        await trio.sleep(3.0)
        client.reset()
        await trio.sleep(1.0)
    assert ended == [3.0]


async def test_a_stream_of_the_handler_s_own_that_breaks_is_its_fault_and_told(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"part"
        raise trio.BrokenResourceError("the database is gone")

    async def handler(request: Request) -> Response:
        await trio.lowlevel.checkpoint()
        return Response(200, {}, pieces())

    async with open_origin(partial(handle, handler)) as client:
        await client.send(GET)
        await client.expect_until(b"part")
        await client.expect_reset()
    assert caplog.messages == ["app it failed at GET /a?b=c"]


async def test_a_client_that_leaves_in_the_middle_of_an_answer_is_nobody_s_fault(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    closed: list[float] = []

    async def flood() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x" * 10_000
        finally:
            closed.append(trio.current_time())

    async def handler(request: Request) -> Response:
        await trio.lowlevel.checkpoint()
        return Response(200, {}, flood())

    async with open_origin(partial(handle, handler)) as client:
        await client.send(GET)
        await trio.sleep(2.0)
        client.reset()
        await trio.sleep(1.0)
    assert closed == [2.0]
    assert caplog.records == []
