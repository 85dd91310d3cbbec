"""The server program: `python -m benchmarks.ledger.server --port N --name NAME --journal FILE`.

It writes what it saw before it answers, echoes the body's hash, and ends idle
connections after a time that can be set. A mode makes it misbehave, one that can be
changed while it runs (``PUT /control/MODE``, straight to its port). SIGTERM makes it
finish what it began and leave; everything else that happens to it is done by signals.
"""

import argparse
import enum
import functools
import math
import random
import signal
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import attrs
import trio

from benchmarks.ledger.client import encode_chunks
from benchmarks.ledger.records import (
    PREFIX,
    Journal,
    Sighting,
    Step,
    answer_body,
    digest,
    now,
)
from benchmarks.ledger.wire import Ended, Head, Nonsense, Wire

CONTROL: Final = "/control/"
BACKLOG: Final = 1024
# With this, close() sends a RST and throws away what was not sent.
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)


class Mode(enum.StrEnum):
    """What it does with a request that it has read whole."""

    OK = enum.auto()
    ERRORS = enum.auto()
    """Answer 500, at once: a server that fails fast attracts load."""
    HANG_UP = enum.auto()
    """Close without a byte of an answer."""
    RESET = enum.auto()
    """The same with a RST."""
    HALF_HEAD = enum.auto()
    """Close inside the answer's head."""
    HALF_BODY = enum.auto()
    """Send half the body and then nothing more, to be killed in that state."""


@attrs.frozen
class Request:
    """A request for the ledger, read whole."""

    id: str
    method: str
    sha256: str
    answer_bytes: int
    chunked: bool


class Server:
    """All connections of the program, and its mode."""

    def __init__(
        self, name: str, journal: Journal, idle_seconds: float, delay_seconds: float
    ) -> None:
        self.name = name
        self.mode = Mode.OK
        self._journal = journal
        self._idle_seconds = idle_seconds
        self._delay_seconds = delay_seconds
        self._rng = random.Random(name)
        self._idle: set[trio.CancelScope] = set()
        self._draining = False

    def drain(self) -> None:
        """End connections: those that are idle now, the others after their answer."""
        self._draining = True
        for scope in self._idle:
            scope.cancel()

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one connection to its end."""
        wire = Wire(stream)
        try:
            while await self._wait_next(wire) and await self._serve_one(wire):
                pass
        except (Ended, trio.BrokenResourceError):
            pass  # The proxy went away; what arrived is in the journal.
        except Nonsense as error:
            await _send(wire, 400, f"this server refuses {error}\n".encode())
        finally:
            await trio.aclose_forcefully(stream)

    async def _wait_next(self, wire: Wire) -> bool:
        """Wait for the next request's first byte; False when the connection shall end."""
        if wire.has_bytes:
            return True
        if self._draining:
            return False
        with trio.move_on_after(self._idle_seconds) as scope:
            self._idle.add(scope)
            try:
                return await wire.wait_bytes()
            finally:
                self._idle.discard(scope)
        return False

    async def _serve_one(self, wire: Wire) -> bool:
        head, method, target = await wire.read_request()
        path = urlsplit(target)
        if not path.path.startswith(PREFIX):
            return await self._serve_other(wire, head, method, path.path)
        request_id = path.path.removeprefix(PREFIX)
        self._write(request_id, method, Step.BEGUN)
        sha256 = digest(await wire.read_request_body(head))
        self._write(request_id, method, Step.COMPLETE, sha256)
        asked = parse_qs(path.query)
        request = Request(
            request_id, method, sha256, int(asked["bytes"][0]), asked["frame"][0] == "chunked"
        )
        await trio.sleep(self._rng.uniform(0.5, 1.5) * self._delay_seconds)
        return await self._answer(wire, request, closes=head.closes or self._draining)

    async def _serve_other(self, wire: Wire, head: Head, method: str, path: str) -> bool:
        """Probes are always answered well: the faults here are those that probes do not see."""
        await wire.read_request_body(head)
        if method == "PUT" and path.startswith(CONTROL):
            self.mode = Mode(path.removeprefix(CONTROL))
        closes = head.closes or self._draining
        await _send(wire, 200, f"{self.name} is {self.mode}\n".encode(), closes=closes)
        return not closes

    async def _answer(self, wire: Wire, request: Request, *, closes: bool) -> bool:
        """Answer as the mode says; True when the connection can be used again."""
        status = 500 if self.mode is Mode.ERRORS else 200
        body = answer_body(request.id, request.method, request.sha256, request.answer_bytes)
        data = _encode(status, body, chunked=request.chunked, closes=closes, server=self.name)
        match self.mode:
            case Mode.OK | Mode.ERRORS:
                await wire.stream.send_all(data)
                return not closes
            case Mode.RESET:
                wire.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            case Mode.HALF_HEAD:
                await wire.stream.send_all(data[: data.index(b"\r\n\r\n") // 2])
            case Mode.HALF_BODY:
                await wire.stream.send_all(data[: len(data) - len(body) // 2])
                self._write(request.id, request.method, Step.HALVED)
                await trio.sleep_forever()
            case Mode.HANG_UP:
                pass
        return False

    def _write(self, request_id: str, method: str, step: Step, sha256: str | None = None) -> None:
        self._journal.write(Sighting(request_id, self.name, method, step, now(), sha256))


def _encode(status: int, body: bytes, *, chunked: bool, closes: bool, server: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Ledger", f"X-Ledger-Server: {server}"]
    lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}")
    if closes:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode() + (encode_chunks(body) if chunked else body)


async def _send(wire: Wire, status: int, body: bytes, *, closes: bool = True) -> None:
    data = _encode(status, body, chunked=False, closes=closes, server="")
    await wire.stream.send_all(data)


async def run(server: Server, port: int) -> None:
    """Serve until SIGTERM; then stop accepting, finish, and return."""
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with trio.open_nursery() as connections:
            async with trio.open_nursery() as accepting:
                listeners = await trio.open_tcp_listeners(port, host="127.0.0.1", backlog=BACKLOG)
                accept = functools.partial(trio.serve_listeners, handler_nursery=connections)
                accepting.start_soon(accept, server.serve, listeners)
                async for _ in signals:
                    accepting.cancel_scope.cancel()
                    break
            server.drain()


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger.server")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--idle-seconds", type=float, default=math.inf)
    parser.add_argument("--delay-seconds", type=float, default=0.0)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    options = parse_arguments(arguments)
    with Journal(options.journal) as journal:
        server = Server(options.name, journal, options.idle_seconds, options.delay_seconds)
        trio.run(run, server, options.port)


if __name__ == "__main__":
    main()
