"""A response of the program's own, as its client reads it."""

from collections.abc import AsyncGenerator

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.wires import Recorded
from tests.proxy.stage import GET, OLD_GET, context_of, exchange_of, head_of
from trio_lb.model.errors import RequestCut
from trio_lb.model.message import Length, RequestHead, Unsized
from trio_lb.model.response import Response
from trio_lb.net.h1_client import framing_of
from trio_lb.net.h11_codec import H11Codec
from trio_lb.proxy.response_out import head_of as head_for
from trio_lb.proxy.response_out import send_response
from trio_lb.sim.env import SimEnv

HEAD = head_of("HEAD / HTTP/1.1\nHost: a")


async def pieces(*parts: bytes) -> AsyncGenerator[bytes, None]:
    for part in parts:
        await trio.lowlevel.checkpoint()
        yield part


async def written(env: SimEnv, response: Response, request: RequestHead = GET) -> bytes:
    stream = Recorded([])
    exchange = exchange_of(context_of(env), request, stream=stream, keep=request.minor > 0)
    await send_response(exchange, request, response)
    assert exchange.status == response.status
    head, _, rest = stream.sent.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Date: ")]
    return b"\r\n".join(lines) + b"\r\n\r\n" + rest


async def test_bytes_have_their_length_whatever_was_said(env: SimEnv) -> None:
    response = Response(200, {"Content-Length": "99", "X-A": "1", "Connection": "close"}, b"abc")
    assert await written(env, response) == (
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nabc"
    )


async def test_nothing_has_the_length_nought(env: SimEnv) -> None:
    assert await written(env, Response(201)) == (
        b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
    )


async def test_pieces_are_chunks_unless_their_length_is_declared(env: SimEnv) -> None:
    assert (await written(env, Response(200, body=pieces(b"ab", b"c")))).endswith(
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    declared = Response(200, {"Content-Length": "3"}, pieces(b"ab", b"c"))
    assert (await written(env, declared)).endswith(b"Content-Length: 3\r\n\r\nabc")


async def test_a_client_of_http_1_0_gets_the_pieces_bare_and_the_end(env: SimEnv) -> None:
    answer = await written(env, Response(200, body=pieces(b"ab", b"c")), OLD_GET)
    assert answer == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"


@pytest.mark.parametrize("status", [204, 304])
async def test_some_answers_never_have_a_body(status: int, env: SimEnv) -> None:
    assert (await written(env, Response(status, body=b"abc"))).endswith(b"\r\n\r\n")


async def test_a_304_names_the_length_that_it_was_given_and_no_other(env: SimEnv) -> None:
    """It is that of the 200 that was spared (RFC 9110 section 8.6), which may be unknown."""
    assert b"Content-Length" not in await written(env, Response(304))
    given = await written(env, Response(304, {"Content-Length": "5"}))
    assert given == b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"


async def test_head_learns_the_length_alone(env: SimEnv) -> None:
    for response in (Response(200, body=b"abc"), Response(200, {"Content-Length": "3"})):
        assert await written(env, response, HEAD) == (
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
        )
    assert await written(env, Response(200), HEAD) == b"HTTP/1.1 200 OK\r\n\r\n"


async def test_a_426_keeps_what_it_asks_for(env: SimEnv) -> None:
    fields = {"Upgrade": "websocket, h2c", "Connection": "upgrade"}
    assert await written(env, Response(426, fields)) == (
        b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n"
        b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    assert b"Upgrade:" not in await written(env, Response(200, fields))


async def test_nobody_switches_protocols_for_a_server(env: SimEnv) -> None:
    with pytest.raises(ValueError, match="nobody can answer 101"):
        await written(env, Response(101))


async def test_a_status_without_a_name_has_none(env: SimEnv) -> None:
    assert (await written(env, Response(299))).startswith(b"HTTP/1.1 299 \r\n")


async def test_pieces_are_not_waited_for_for_ever(env: SimEnv) -> None:
    async def stuck() -> AsyncGenerator[bytes, None]:
        yield b"a"
        await trio.sleep_forever()

    with pytest.raises(RequestCut, match="no piece of the response for 120 s"):
        await written(env, Response(200, body=stuck()))
    assert trio.current_time() == 120.0


@given(st.integers(200, 599), st.binary(max_size=5), st.booleans())
def test_every_answer_of_bytes_is_one_that_h11_reads(
    status: int, body: bytes, bodiless: bool
) -> None:
    response = Response(status, {"X-A": "1"}, body)
    head = head_for(response, framing_of(body, response.headers), bodiless)
    unsent = bodiless or status in (204, 304)
    assert head.declared == (None if unsent and not body else len(body))
    assert (head.framing is Unsized.NO_BODY) == (unsent or not body)
    if head.framing is not Unsized.NO_BODY:
        assert head.framing == Length(len(body))
    read = H11Codec().parse_response(b"HTTP/1.1 %d %b\r\n\r\n" % (status, head.reason))
    assert getattr(read, "status", None) == status
