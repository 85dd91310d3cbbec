"""The servers as processes, and all that can happen to a process.

Each keeps its port and its journal over its lives, so that a server that comes back is
the same server.
"""

import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from benchmarks.ledger.client import connect
from benchmarks.ledger.records import Sighting, Step, read_journal
from benchmarks.ledger.server import CONTROL, Mode
from benchmarks.ledger.wire import Wire
from benchmarks.machine import free_port
from benchmarks.program import Program, open_program

READY_WITHIN_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.005


class TooLate(Exception):
    """Something that the harness waited for did not come in time."""


async def wait_until(condition: Callable[[], bool], what: str, *, seconds: float) -> None:
    """Poll for a condition.

    Raises:
      TooLate: it did not hold within ``seconds``.
    """
    with trio.move_on_after(seconds):
        # What is waited for happens in other processes: there is no event to wait for.
        while not condition():  # noqa: ASYNC110
            await trio.sleep(POLL_SECONDS)
        return
    raise TooLate(f"not within {seconds:.0f} s: {what}")


async def accepts(port: int) -> bool:
    """Whether somebody accepts connections there now."""
    try:
        stream = await connect(port)
    except OSError:
        return False
    await trio.aclose_forcefully(stream)
    return True


@attrs.frozen
class Temper:
    """What the servers of a scenario are like."""

    idle_seconds: float = 60.0
    """How long they keep an idle connection; longer than any proxy here by default."""
    delay_seconds: float = 0.008
    """The mean time that they take for an answer."""


class LedgerServer:
    """One server: a port, a journal, and a process that comes and goes."""

    def __init__(self, name: str, folder: Path, core: int, temper: Temper) -> None:
        self.name = name
        self.port = free_port()
        self.journal = folder / f"{name}.jsonl"
        self._folder = folder
        self._core = core
        self._temper = temper
        self._life = contextlib.ExitStack()
        self._program: Program | None = None

    @property
    def program(self) -> Program:
        """The process of its current life."""
        assert self._program is not None, f"{self.name} is not running"
        return self._program

    async def start(self) -> None:
        """Begin a life; return once it accepts connections."""
        self._program = self._life.enter_context(
            open_program(self.name, self._command(), core=self._core, folder=self._folder)
        )
        with trio.move_on_after(READY_WITHIN_SECONDS):
            while not await accepts(self.port):
                self.program.check()
                await trio.sleep(POLL_SECONDS)
            return
        raise TooLate(f"{self.name} did not start: {self.program.last_words()}")

    def end(self) -> None:
        """End whatever life it has, in whatever state."""
        if self._program is not None:
            if self._program.process.poll() is None:
                self.kill()
            self._buried()

    def kill(self) -> None:
        """SIGKILL: the kernel closes its connections, unread bytes make that a RST."""
        self._send(signal.SIGKILL)
        self.program.process.wait()
        self._buried()

    def freeze(self) -> None:
        """SIGSTOP: the kernel goes on accepting for it, and nothing answers."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._send(signal.SIGCONT)

    async def leave(self) -> None:
        """SIGTERM, and wait until it has finished what it began."""
        self._send(signal.SIGTERM)
        process = self.program.process
        await wait_until(
            lambda: process.poll() is not None, f"{self.name} leaves", seconds=READY_WITHIN_SECONDS
        )
        self._buried()

    async def turn(self, mode: Mode) -> None:
        """Change its mode; return once it has."""
        async with await connect(self.port) as stream:
            request = f"PUT {CONTROL}{mode} HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n"
            await stream.send_all(request.encode())
            await Wire(stream).read_answer_head()

    def seen(self, step: Step) -> int:
        """How many requests it has taken so far, over all its lives."""
        return sum(sighting.step is step for sighting in self.sightings())

    def sightings(self) -> Iterator[Sighting]:
        """All that it has written down."""
        for record in read_journal(self.journal):
            assert isinstance(record, Sighting), f"{self.name} wrote {record}"
            yield record

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "benchmarks.ledger.server"),
            *("--port", str(self.port), "--name", self.name, "--journal", str(self.journal)),
            *("--idle-seconds", str(self._temper.idle_seconds)),
            *("--delay-seconds", str(self._temper.delay_seconds)),
        ]

    def _send(self, number: signal.Signals) -> None:
        os.kill(self.program.process.pid, number)

    def _buried(self) -> None:
        self._program = None
        self._life.close()


@contextlib.asynccontextmanager
async def open_fleet(
    count: int, folder: Path, *, core: int, temper: Temper
) -> AsyncIterator[Sequence[LedgerServer]]:
    """``count`` running servers; all have ended when the block has."""
    servers = [LedgerServer(f"server-{n}", folder, core, temper) for n in range(count)]
    try:
        async with trio.open_nursery() as nursery:
            for server in servers:
                nursery.start_soon(server.start)
        yield servers
    finally:
        for server in servers:
            server.end()
