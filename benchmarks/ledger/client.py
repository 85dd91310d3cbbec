"""One honest HTTP/1.1 client: keep-alive, strict reading, one outcome a request, no retry.

A client that retried would hide what it is here to see. Like any careful client it
looks at a kept connection before it uses it again; what happens after that look counts.
"""

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Final

import attrs
import trio

from benchmarks.ledger.records import (
    PREFIX,
    Intent,
    Journal,
    Kind,
    Outcome,
    answer_body,
    digest,
    id_named_by,
    now,
)
from benchmarks.ledger.wire import Ended, Head, Nonsense, Wire

CHUNK_BYTES: Final = 1000


@attrs.frozen
class Order:
    """One request to make. ``chunked`` is the upload's framing, ``answer_frame`` the answer's."""

    id: str
    method: str = "GET"
    body: bytes = b""
    chunked: bool = False
    answer_bytes: int = 200
    answer_frame: str = "length"
    close: bool = False
    """Ask for the connection's end after this answer."""

    @property
    def intent(self) -> Intent:
        """What to write down before it goes out."""
        return Intent(self.id, self.method, digest(self.body), self.answer_bytes, now())

    def encode(self) -> bytes:
        """The whole request."""
        lines = [
            f"{self.method} {PREFIX}{self.id}?bytes={self.answer_bytes}"
            f"&frame={self.answer_frame} HTTP/1.1",
            "Host: ledger.test",
        ]
        if self.close:
            lines.append("Connection: close")
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
        elif self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        body = encode_chunks(self.body) if self.chunked else self.body
        return "\r\n".join([*lines, "", ""]).encode() + body


def encode_chunks(body: bytes) -> bytes:
    """A body in chunks, the last one included."""
    parts = (body[i : i + CHUNK_BYTES] for i in range(0, len(body), CHUNK_BYTES))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


class Client:
    """Makes requests, one at a time, and writes down what became of each."""

    def __init__(self, port: int, journal: Journal, *, patience_seconds: float) -> None:
        self._port = port
        self._journal = journal
        self._patience_seconds = patience_seconds
        self._wire: Wire | None = None
        self._last_id = ""

    async def perform(self, order: Order) -> Outcome:
        """Make one request; return its outcome, which is in the journal by then."""
        await self.look_at_kept_connection()
        intent, kept = order.intent, self._wire is not None
        self._journal.write(intent)
        outcome = Outcome(order.id, Kind.SILENT, now(), 0.0)
        with trio.move_on_after(self._patience_seconds):
            outcome = await self._exchange(order)
        if outcome.kind is not Kind.ANSWERED:
            await self.close()
        end = now()
        outcome = attrs.evolve(outcome, at=end, seconds=end - intent.at, kept=kept)
        self._journal.write(outcome)
        self._last_id = order.id
        if self._wire is not None and self._wire.has_bytes:
            await self._report_stray()
        return outcome

    async def close(self) -> None:
        """End the connection, if there is one."""
        if self._wire is not None:
            wire, self._wire = self._wire, None
            await trio.aclose_forcefully(wire.stream)

    async def look_at_kept_connection(self) -> None:
        """Drop a kept connection that has ended, and write down bytes that nobody asked for."""
        if self._wire is not None and self._wire.stream.socket.is_readable():
            with contextlib.suppress(OSError):
                if await self._wire.stream.socket.recv(1, socket.MSG_PEEK):
                    await self._report_stray()
            await self.close()

    async def _report_stray(self) -> None:
        self._journal.write(Outcome(self._last_id, Kind.STRAY, now(), 0.0))
        await self.close()

    async def _exchange(self, order: Order) -> Outcome:
        try:
            wire = self._wire = self._wire or Wire(await connect(self._port))
        except OSError as error:
            return _ended(order, Kind.REFUSED, str(error))
        # The other end may have answered (and closed) before it read all; so the answer
        # is read whatever became of the sending.
        with contextlib.suppress(trio.BrokenResourceError):
            await wire.stream.send_all(order.encode())
        if not await wire.wait_bytes():
            return _ended(order, Kind.DROPPED, "no byte of an answer")
        try:
            return await self._read_answer(order, wire)
        except Nonsense as error:
            return _ended(order, Kind.GARBLED, str(error))

    async def _read_answer(self, order: Order, wire: Wire) -> Outcome:
        try:
            head, status = await wire.read_answer_head()
            body = await wire.read_answer_body(head, order.method, status)
        except Ended as end:
            return _ended(order, Kind.CUT, str(end))
        # What came along behind the answer is noticed even when the connection ends here.
        if not wire.has_bytes and (order.close or head.closes or not _is_framed(head)):
            await self.close()
        return _answered(order, head, status, body)


async def connect(port: int) -> trio.SocketStream:
    """Connect to a port of 127.0.0.1.

    Raises:
      ConnectionRefusedError: as the kernel says it; trio.open_tcp_stream wraps it in a
        plain OSError, which could be anything.
    """
    sock = trio.socket.socket()
    try:
        await sock.connect(("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


@contextlib.asynccontextmanager
async def open_client(
    port: int, journal: Journal, *, patience_seconds: float
) -> AsyncIterator[Client]:
    """A client whose connection ends with the block."""
    client = Client(port, journal, patience_seconds=patience_seconds)
    try:
        yield client
        await client.look_at_kept_connection()
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await client.close()


def _is_framed(head: Head) -> bool:
    return bool({"content-length", "transfer-encoding"} & head.fields.keys())


def _ended(order: Order, kind: Kind, detail: str) -> Outcome:
    return Outcome(order.id, kind, now(), 0.0, detail=detail)


def _answered(order: Order, head: Head, status: int, body: bytes) -> Outcome:
    right = answer_body(order.id, order.method, digest(order.body), order.answer_bytes)
    return Outcome(
        order.id,
        Kind.ANSWERED,
        now(),
        0.0,
        status=status,
        named=id_named_by(body),
        server=head.fields.get("x-ledger-server"),
        whole=body == right,
        detail="" if body == right else repr(body[:80]),
    )
