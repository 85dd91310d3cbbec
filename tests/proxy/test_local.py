"""Requests that may go no further than here."""

import pytest

from tests.net.wires import Recorded
from tests.proxy.stage import context_of, exchange_of, head_of
from trio_lb.proxy.local import answers_itself
from trio_lb.sim.env import SimEnv


async def test_options_at_its_last_hop_says_what_is_allowed(env: SimEnv) -> None:
    stream = Recorded([])
    head = head_of("OPTIONS * HTTP/1.1\nHost: a\nMax-Forwards: 0")
    exchange = exchange_of(context_of(env), head, stream=stream)
    assert await answers_itself(exchange, head)
    assert stream.sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE\r\n" in stream.sent
    assert (exchange.status, exchange.keep, exchange.error) == (200, True, None)


async def test_trace_at_its_last_hop_gets_itself_back_without_its_secrets(env: SimEnv) -> None:
    stream = Recorded([])
    head = head_of(
        "TRACE /a HTTP/1.1\nHost: a\nMax-Forwards: 0\nCookie: s=1\nAuthorization: x\nX-Y: z"
    )
    assert await answers_itself(exchange_of(context_of(env), head, stream=stream), head)
    answer, _, body = stream.sent.partition(b"\r\n\r\n")
    assert b"Content-Type: message/http\r\n" in answer
    assert body == b"TRACE /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nX-Y: z\r\n\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "OPTIONS * HTTP/1.1\nHost: a",
        "OPTIONS * HTTP/1.1\nHost: a\nMax-Forwards: 1",
        "GET / HTTP/1.1\nHost: a\nMax-Forwards: 0",
        "TRACE / HTTP/1.1\nHost: a\nMax-Forwards: none",
    ],
)
async def test_other_requests_go_on(env: SimEnv, text: str) -> None:
    head = head_of(text)
    stream = Recorded([])
    assert not await answers_itself(exchange_of(context_of(env), head, stream=stream), head)
    assert stream.sent == b""


async def test_a_body_that_is_still_coming_ends_the_connection(env: SimEnv) -> None:
    stream = Recorded([])
    head = head_of("OPTIONS * HTTP/1.1\nHost: a\nMax-Forwards: 0\nContent-Length: 5")
    exchange = exchange_of(context_of(env), head, stream=stream)
    assert await answers_itself(exchange, head)
    assert not exchange.keep
    assert b"\r\nConnection: close\r\n" in stream.sent
