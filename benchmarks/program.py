"""One child process of the benchmarks: pinned to a core, logged, ended for certain.

It leads a session and so a process group of its own. That keeps a Ctrl-C of the
terminal away from it (the benchmark ends its children itself, in order), names its
whole tree for /proc, and lets the group be ended without touching anybody else's.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from benchmarks import proc

ROOT: Final = Path(__file__).resolve().parent.parent
GRACE_SECONDS: Final = 8.0
# Debian keeps daemons out of an ordinary user's PATH.
SEARCH_PATH: Final = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


class ProgramFailed(Exception):
    """A program of the benchmark ended, or gave no good answer; the message says why."""


def find(name: str) -> str | None:
    """The path of an installed program, or None."""
    return shutil.which(name, path=SEARCH_PATH)


def require(name: str) -> str:
    """The path of a program without which nothing can be measured.

    Raises:
      ProgramFailed: it is not installed.
    """
    path = find(name)
    if path is None:
        raise ProgramFailed(f"{name} is not installed (apt-get install {name})")
    return path


@attrs.frozen
class Program:
    """A running child; ``open_program`` owns it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """User + system seconds of the whole tree since it started."""
        return proc.cpu_seconds(self.process.pid)

    def resident_bytes(self) -> int:
        """Resident memory of the whole tree now."""
        return proc.resident_bytes(self.process.pid)

    def check(self) -> None:
        """Raise ``ProgramFailed`` with the end of its log when it has ended."""
        code = self.process.poll()
        if code is not None:
            raise ProgramFailed(f"{self.name} ended with exit code {code}: {self.last_words()}")

    def last_words(self) -> str:
        """The last line of its log, which is where programs say what was wrong."""
        lines = self.log.read_text("utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


@contextlib.contextmanager
def open_program(
    name: str,
    command: Sequence[str],
    *,
    core: int,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """Run ``command`` on ``core`` for as long as the block runs.

    What it prints goes to a file in ``folder``. At the end its group gets SIGTERM,
    and SIGKILL once ``GRACE_SECONDS`` are over.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [require("taskset"), "-c", str(core), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield Program(name, process, log)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
