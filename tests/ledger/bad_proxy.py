"""A small proxy that breaks one rule on purpose: `python -m tests.ledger.bad_proxy FAULT ...`.

It is there to be caught. Each request goes to the next server on a connection of its own;
every ``EVERY``th one is done wrong, in the way that its command line names.
"""

import enum
import itertools
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import trio
from typing_extensions import override

from benchmarks.ledger.client import connect
from benchmarks.ledger.proxies import Proxy, Setup
from benchmarks.ledger.wire import Head, Wire

EVERY = 5


class Fault(enum.StrEnum):
    """What is done wrong."""

    NONE = enum.auto()
    TWICE = enum.auto()
    """A POST goes to two servers."""
    SHORT = enum.auto()
    """An answer loses its last byte, and its length says so too."""
    SWAPPED = enum.auto()
    """A client gets the answer before its own."""
    STRAY = enum.auto()
    """Bytes come after an answer."""
    LIE = enum.auto()
    """It says 200 without having asked anybody."""
    DENIAL = enum.auto()
    """It says 503, "not sent", of what was sent."""
    CHANGED = enum.auto()
    """A body's first byte is another when it arrives."""
    UNLOGGED = enum.auto()
    """A request is missing in the access log."""


@attrs.frozen
class Message:
    """One request or answer, read whole."""

    head: Head
    body: bytes

    def encode(self, start: bytes, body: bytes | None = None) -> bytes:
        body = self.body if body is None else body
        framing = {"transfer-encoding", "content-length", "connection"}
        kept = (f"{k}: {v}" for k, v in self.head.fields.items() if k not in framing)
        lines = [start.decode(), *kept, f"content-length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body


@attrs.define
class BadProxy:
    """The program."""

    fault: Fault
    servers: Iterator[int]
    log: Path
    number: int = 0
    last: bytes = b""

    async def serve(self, stream: trio.SocketStream) -> None:
        wire = Wire(stream)
        async with stream:
            while await wire.wait_bytes():
                head, method, target = await wire.read_request()
                request = Message(head, await wire.read_request_body(head))
                await stream.send_all(await self._answer(request, method, target))
                if head.closes:
                    return

    async def _answer(self, request: Message, method: str, target: str) -> bytes:
        self.number += 1
        wrong = self.fault if self.number % EVERY == 0 else Fault.NONE
        if wrong is not Fault.UNLOGGED:
            with self.log.open("a") as log:
                log.write(f"{method} {target}\n")
        if wrong is Fault.LIE:
            return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
        if wrong is Fault.CHANGED and request.body:
            request = attrs.evolve(request, body=b"?" + request.body[1:])
        answer = await self._ask(request, method)
        if wrong is Fault.TWICE and method == "POST":
            await self._ask(request, method)
        if wrong is Fault.DENIAL:
            return b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        body = answer.body[:-1] if wrong is Fault.SHORT else answer.body
        own = answer.encode(answer.head.start, body)
        previous, self.last = self.last, own
        if wrong is Fault.SWAPPED and previous:
            return previous
        return own + b"more" if wrong is Fault.STRAY else own

    async def _ask(self, request: Message, method: str) -> Message:
        async with await connect(next(self.servers)) as stream:
            wire = Wire(stream)
            await stream.send_all(request.encode(request.head.start))
            head, status = await wire.read_answer_head()
            return Message(head, await wire.read_answer_body(head, method, status))


async def run(fault: Fault, port: int, log: Path, servers: Sequence[int]) -> None:
    proxy = BadProxy(fault, itertools.cycle(servers), log)
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
            nursery.start_soon(trio.serve_listeners, proxy.serve, [listener])
            await anext(signals)
            nursery.cancel_scope.cancel()


@attrs.frozen
class Bad(Proxy):
    """The program, as the stage starts a proxy."""

    fault: Fault
    name = "bad_proxy"
    install = "it is here"

    @override
    def is_present(self) -> bool:
        return True

    @override
    def command(self, setup: Setup) -> list[str]:
        log = self.access_log(setup, setup.folder)
        ports = map(str, setup.servers)
        program = [sys.executable, "-m", "tests.ledger.bad_proxy"]
        return [*program, self.fault, str(setup.port), str(log), *ports]

    @override
    def environment(self, setup: Setup) -> Mapping[str, str]:
        return {"PYTHONPATH": str(Path(__file__).parents[2])}


if __name__ == "__main__":
    fault_, port_, log_, *servers_ = sys.argv[1:]
    trio.run(run, Fault(fault_), int(port_), Path(log_), list(map(int, servers_)))
