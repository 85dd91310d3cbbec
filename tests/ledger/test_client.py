"""The honest client: each fate of a request has a name of its own, and none is guessed."""

import contextlib
import functools
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import trio

from benchmarks.ledger.client import Client, Order, encode_chunks, open_client
from benchmarks.ledger.records import (
    Intent,
    Journal,
    Kind,
    Outcome,
    answer_body,
    digest,
    read_journal,
)
from benchmarks.ledger.wire import Wire
from benchmarks.machine import free_port

pytestmark = pytest.mark.real

RESET = b"<reset>"
SILENCE = b"<silence>"
PATIENCE_SECONDS = 0.2


def whole(order: Order, *, request_id: str | None = None, extra: bytes = b"") -> bytes:
    """The right answer to an order."""
    request_id = request_id or order.id
    body = answer_body(request_id, order.method, digest(order.body), order.answer_bytes)
    head = f"HTTP/1.1 200 OK\r\nX-Ledger-Server: s0\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body + extra


class Script:
    """A server that gives these answers, one a request, and ends the connection when told."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = iter(answers)
        self.connections = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        wire = Wire(stream)
        async with stream:
            while await wire.wait_bytes():
                head, _, _ = await wire.read_request()
                await wire.read_request_body(head)
                if not await self._answer(stream, next(self._answers)):
                    return

    async def _answer(self, stream: trio.SocketStream, answer: bytes) -> bool:
        """True when the connection goes on."""
        if answer == SILENCE:
            await trio.sleep_forever()
        if answer.endswith(RESET):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.send_all(answer.removesuffix(RESET))
        return b"Connection: close" not in answer and b"\r\n\r\n" in answer


@contextlib.asynccontextmanager
async def client_of(script: Script, path: Path) -> AsyncIterator[Client]:
    """A client whose requests the script answers."""
    async with trio.open_nursery() as nursery:
        serve = functools.partial(trio.serve_tcp, script.serve, 0, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        port = listener.socket.getsockname()[1]
        with Journal(path) as journal:
            async with open_client(port, journal, patience_seconds=PATIENCE_SECONDS) as client:
                yield client
        nursery.cancel_scope.cancel()


ORDER = Order("load-1")
HEAD = whole(ORDER).partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (whole(ORDER), Kind.ANSWERED),
        (b"", Kind.DROPPED),
        (RESET, Kind.DROPPED),
        (HEAD[:20], Kind.CUT),
        (HEAD[:20] + RESET, Kind.CUT),
        (SILENCE, Kind.SILENT),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Kind.GARBLED),
    ],
)
async def test_each_fate_has_its_name(answer: bytes, kind: Kind, tmp_path: Path) -> None:
    async with client_of(Script([answer]), tmp_path / "journal") as client:
        outcome = await client.perform(ORDER)
    assert (outcome.id, outcome.kind, outcome.is_good) == (ORDER.id, kind, kind is Kind.ANSWERED)


async def test_nobody_there_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        async with open_client(free_port(), journal, patience_seconds=5.0) as client:
            assert (await client.perform(ORDER)).kind is Kind.REFUSED


async def test_a_body_that_ends_early_is_cut(tmp_path: Path) -> None:
    short = whole(ORDER)[:-1].replace(b"X-Ledger", b"Connection: close\r\nX-Ledger")
    async with client_of(Script([short]), tmp_path / "journal") as client:
        outcome = await client.perform(ORDER)
    assert (outcome.kind, outcome.detail) == (Kind.CUT, "FIN in the body")


async def test_an_answer_is_compared_byte_for_byte(tmp_path: Path) -> None:
    wrong = whole(ORDER)[:-1] + b"!"
    async with client_of(Script([whole(ORDER), wrong]), tmp_path / "journal") as client:
        first, second = await client.perform(ORDER), await client.perform(ORDER)
    assert (first.whole, first.named, first.server) == (True, ORDER.id, "s0")
    assert (second.whole, second.named) == (False, ORDER.id)


async def test_another_request_s_answer_is_noticed(tmp_path: Path) -> None:
    other = whole(ORDER, request_id="load-2")
    async with client_of(Script([other]), tmp_path / "journal") as client:
        outcome = await client.perform(ORDER)
    assert (outcome.named, outcome.whole) == ("load-2", False)


async def test_connections_are_kept_until_one_side_ends_them(tmp_path: Path) -> None:
    last = whole(ORDER).replace(b"X-Ledger", b"Connection: close\r\nX-Ledger")
    script = Script([whole(ORDER), last, whole(ORDER), whole(ORDER)])
    async with client_of(script, tmp_path / "journal") as client:
        kept = [(await client.perform(ORDER)).kept for _ in range(3)]
        await client.perform(Order("load-1", close=True))
    assert kept == [False, True, False]
    assert script.connections == 2


async def test_bytes_after_an_answer_are_written_down_beside_its_outcome(tmp_path: Path) -> None:
    order = Order("load-2")
    script = Script([whole(ORDER, extra=b"HTTP/1.1 200 OK\r\n"), whole(order)])
    async with client_of(script, tmp_path / "journal") as client:
        await client.perform(ORDER)
        assert (await client.perform(order)).kind is Kind.ANSWERED
    outcomes = [each for each in read_journal(tmp_path / "journal") if isinstance(each, Outcome)]
    assert [(each.id, each.kind) for each in outcomes] == [
        ("load-1", Kind.ANSWERED),
        ("load-1", Kind.STRAY),
        ("load-2", Kind.ANSWERED),
    ]


async def test_the_intent_is_written_before_anything_is_sent(tmp_path: Path) -> None:
    order = Order("load-1", "POST", b"abc")
    async with client_of(Script([SILENCE]), tmp_path / "journal") as client:
        with trio.move_on_after(PATIENCE_SECONDS / 4):
            await client.perform(order)
    (intent,) = read_journal(tmp_path / "journal")
    assert isinstance(intent, Intent)
    assert (intent.id, intent.method, intent.sha256) == ("load-1", "POST", digest(b"abc"))


async def test_a_client_never_sends_a_request_twice(tmp_path: Path) -> None:
    script = Script([RESET, whole(ORDER)])
    async with client_of(script, tmp_path / "journal") as client:
        assert (await client.perform(ORDER)).kind is Kind.DROPPED
    assert script.connections == 1


def test_a_body_in_chunks_ends_with_the_last_chunk() -> None:
    assert encode_chunks(b"x" * 1001) == b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n"


def test_an_upload_has_one_framing() -> None:
    sized, chunked = Order("a", "POST", b"x"), Order("a", "POST", b"x", chunked=True)
    assert b"Content-Length: 1\r\n" in sized.encode()
    assert b"Transfer-Encoding" not in sized.encode()
    assert b"Transfer-Encoding: chunked\r\n" in chunked.encode()
    assert b"Content-Length" not in chunked.encode()


@pytest.mark.parametrize("close", [False, True])
async def test_bytes_after_the_last_answer_are_noticed_too(close: bool, tmp_path: Path) -> None:
    order = Order("load-1", close=close)
    script = Script([whole(order, extra=b"more")])
    async with client_of(script, tmp_path / "journal") as client:
        await client.perform(order)
    kinds = [each.kind for each in read_journal(tmp_path / "journal") if isinstance(each, Outcome)]
    assert kinds == [Kind.ANSWERED, Kind.STRAY]
