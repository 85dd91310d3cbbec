"""What the benchmarks know of a proxy: its name, whether it is here, how it is started."""

import contextlib
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import attrs

from benchmarks.certificate import Certificate
from benchmarks.check import wait_until_ready
from benchmarks.program import Program, open_program

PROBE_SECONDS: Final = 5
"""Our default; where a row looks at probes, everybody has it."""


@attrs.frozen(slots=True)
class Setup:
    """What a proxy is started with; all else stays at its own defaults.

    ``max_connections`` is set by a row that opens more than our default allows.
    ``profile`` is a file into which our own program writes a profile when it ends.
    With a ``certificate`` it listens over TLS. ``tunnels`` asks those who would not do it
    by themselves to let WebSockets through. ``probed`` are servers in place of the one
    origin, each to be checked once in ``PROBE_SECONDS``.
    """

    port: int
    origin_port: int
    folder: Path
    max_connections: int | None = None
    profile: Path | None = None
    certificate: Certificate | None = None
    tunnels: bool = False
    probed: Sequence[str] = ()

    @property
    def servers(self) -> Sequence[str]:
        """Where requests go, each HOST:PORT."""
        return self.probed or (f"127.0.0.1:{self.origin_port}",)


class Peer(ABC):
    """A proxy to measure, as it would be installed: one process for one core."""

    name: ClassVar[str]
    """The heading of its column, and its word in ``--peers`` (in lower case)."""
    install: ClassVar[str]
    """What to type where it is absent."""
    in_quick: ClassVar[bool] = True
    sits_out: ClassVar[frozenset[str]] = frozenset()
    """Rows for which it has nothing to show."""

    def takes_part_in(self, row: str) -> bool:
        """Whether it is measured in that row."""
        return row not in self.sits_out

    @abstractmethod
    def is_present(self) -> bool:
        """Whether it can be started here."""

    @abstractmethod
    def version(self) -> str:
        """Its version, for the table's heading; called only when it is present."""

    @abstractmethod
    def command(self, setup: Setup) -> list[str]:
        """Write its configuration into ``setup.folder`` and say how to run it."""

    def version_command(self) -> list[str] | None:
        """What a user types to see the version, or None when there is no such command."""
        return None

    def environment(self, setup: Setup) -> Mapping[str, str]:
        """Variables to set beside the inherited ones."""
        return {}


@attrs.frozen
class Target:
    """Something to load on 127.0.0.1: a peer that answered, or the origin itself.

    ``tls`` says that it is spoken to over TLS.

    ``ready_seconds`` is the time from the start of the program to its first good
    answer through it (0 for the origin, whose start nobody measures).
    """

    name: str
    port: int
    program: Program
    ready_seconds: float = 0.0
    tls: bool = False


@contextlib.contextmanager
def open_peer(peer: Peer, setup: Setup, *, core: int) -> Iterator[Target]:
    """Run ``peer`` for as long as the block runs; entered once it answers.

    Raises:
      ProgramFailed: it did not start, or did not answer.
    """
    setup.folder.mkdir(parents=True, exist_ok=True)
    name = peer.name.replace(" ", "_")
    command = peer.command(setup)
    environment = peer.environment(setup)
    started = time.monotonic()
    with open_program(
        name, command, core=core, folder=setup.folder, environment=environment
    ) as program:
        tls = setup.certificate is not None
        wait_until_ready(program, setup.port, tls=tls)
        yield Target(peer.name, setup.port, program, time.monotonic() - started, tls)


def output_of(*command: str) -> str:
    """What a command prints, on either stream (nginx says its version on stderr)."""
    ran = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=20,
    )
    return ran.stdout.strip()
