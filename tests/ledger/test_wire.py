"""The ledger's own reader: what is whole is read, what is not says so, nothing is guessed."""

import contextlib
import socket
import struct
from collections.abc import AsyncIterator

import pytest
import trio

from benchmarks.ledger.client import connect
from benchmarks.ledger.wire import Ended, Nonsense, Wire

pytestmark = pytest.mark.real


@contextlib.asynccontextmanager
async def sent(data: bytes, *, reset: bool = False) -> AsyncIterator[Wire]:
    """A wire on which ``data`` came, and then the end."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        ours = await connect(listener.socket.getsockname()[1])
        async with ours, await listener.accept() as theirs:
            await theirs.send_all(data)
            wire = Wire(ours)
            if reset:
                # A reset drops what was not read yet, so it waits for the bytes before it.
                assert await wire.wait_bytes()
                theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await theirs.aclose()
            yield wire


async def answer(data: bytes, method: str = "GET") -> tuple[int, bytes]:
    async with sent(data) as wire:
        head, status = await wire.read_answer_head()
        return status, await wire.read_answer_body(head, method, status)


async def request(data: bytes) -> tuple[str, str, bytes]:
    async with sent(data) as wire:
        head, method, target = await wire.read_request()
        return method, target, await wire.read_request_body(head)


OK = b"HTTP/1.1 200 OK\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (OK + b"Content-Length: 3\r\n\r\nabc", (200, b"abc")),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", (200, b"abc")),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", (200, b"")),
        (OK + b"Connection: close\r\n\r\nabc", (200, b"abc")),
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", (200, b"")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 502 \r\nContent-Length: 0\r\n\r\n", (502, b"")),
    ],
)  # fmt: skip
async def test_a_whole_answer_is_read(data: bytes, expected: tuple[int, bytes]) -> None:
    assert await answer(data) == expected


async def test_an_answer_to_head_has_no_body() -> None:
    assert await answer(OK + b"Content-Length: 3\r\n\r\n", "HEAD") == (200, b"")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"", "FIN in the head"),
        (b"HTTP/1.1 200", "FIN in the head"),
        (OK + b"Content-Length: 3\r\n", "FIN in the head"),
        (OK + b"Content-Length: 3\r\n\r\nab", "FIN in the body"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", "FIN in a chunk's size"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab", "FIN in a chunk"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "FIN in a chunk's size"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", "FIN in the trailers"),
    ],
)
async def test_an_answer_that_ends_early_is_never_whole(data: bytes, where: str) -> None:
    with pytest.raises(Ended) as caught:
        await answer(data)
    assert str(caught.value) == where


async def test_a_body_up_to_the_end_is_not_whole_when_the_end_is_a_reset() -> None:
    async with sent(OK + b"Connection: close\r\n\r\nabc", reset=True) as wire:
        head, status = await wire.read_answer_head()
        with pytest.raises(Ended) as caught:
            await wire.read_answer_body(head, "GET", status)
        assert caught.value.by == "RST"


@pytest.mark.parametrize(
    "data",
    [
        b"HTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        OK + b"No colon\r\n\r\n",
        OK + b"Name : value\r\n\r\n",
        OK + b"Nul: \0\r\n\r\n",
        OK + b"Content-Length: +3\r\n\r\nabc",
        OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        OK + b"Long: " + b"x" * 20_000,
    ],
)
async def test_what_is_no_answer_is_nonsense(data: bytes) -> None:
    with pytest.raises(Nonsense):
        await answer(data)


async def test_a_request_is_read_with_its_body() -> None:
    assert await request(POST + b"Content-Length: 2\r\n\r\nab") == ("POST", "/", b"ab")
    assert await request(b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n") == ("GET", "/a?b", b"")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        POST + b"Content-Length: 1, 1\r\n\r\na",
    ],
)
async def test_what_a_proxy_must_never_send_is_nonsense(data: bytes) -> None:
    with pytest.raises(Nonsense):
        await request(data)


async def test_what_follows_a_message_is_seen() -> None:
    async with sent(OK + b"Content-Length: 1\r\n\r\na" + b"more") as wire:
        head, status = await wire.read_answer_head()
        assert await wire.read_answer_body(head, "GET", status) == b"a"
        assert wire.has_bytes


@pytest.mark.parametrize(
    ("fields", "closes"),
    [(b"", False), (b"Connection: close\r\n", True), (b"Connection: x, Close\r\n", True)],
)
async def test_a_head_says_whether_the_connection_goes_on(fields: bytes, closes: bool) -> None:
    async with sent(OK + fields + b"\r\n") as wire:
        head, _ = await wire.read_answer_head()
        assert head.closes is closes
