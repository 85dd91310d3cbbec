"""One run of wrk: what it is asked for, and what it reported."""

import contextlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from benchmarks.program import ROOT, ProgramFailed, open_program, require

SCRIPT: Final = ROOT / "benchmarks" / "load.lua"
# wrk stops at its duration whatever the proxy does; this bounds a wrk that hangs.
STUCK_AFTER_SECONDS: Final = 30
ERROR_KINDS: Final = ("connect", "read", "write", "timeout", "status")


@attrs.frozen(slots=True)
class Load:
    """A load of keep-alive ``connections``, each with one request at a time."""

    connections: int
    path: str
    upload_bytes: int = 0
    """The size of each request's body; 0 makes it a GET."""
    least_seconds: int = 1
    """How long this load needs to settle: many connections take a while to open."""
    headers: tuple[str, ...] = ()
    """Header lines beside Host."""
    chunked: bool = False
    """Whether the upload is sent in chunks of 64 KiB instead of by its length."""


@attrs.frozen(slots=True)
class Report:
    """What wrk counted over one run.

    ``errors`` maps a kind to its count, kinds that never occurred left out: sockets
    that failed (connect, read, write), answers slower than wrk's 2 s (timeout),
    answers other than 2xx and 3xx (status).
    """

    requests: int
    seconds: float
    p50_us: float
    p99_us: float
    errors: Mapping[str, int]


def parse_report(output: str) -> Report:
    """Read what load.lua's last line says.

    Raises:
      ProgramFailed: there is no such line: wrk never got as far as a load.
    """
    lines = [line for line in output.splitlines() if line.strip()]
    if not lines or not lines[-1].startswith("{"):
        raise ProgramFailed(f"wrk reported nothing: {lines[-1] if lines else 'no output'}")
    said: dict[str, int] = json.loads(lines[-1])
    return Report(
        requests=said["requests"],
        seconds=said["duration_us"] / 1e6,
        p50_us=said["p50_us"],
        p99_us=said["p99_us"],
        errors={kind: said[kind] for kind in ERROR_KINDS if said[kind]},
    )


def command_line(load: Load, port: int, seconds: int, *, tls: bool = False) -> list[str]:
    """wrk with one thread: it has one core to itself."""
    command = [
        *(require("wrk"), "--threads", "1", "--connections", str(load.connections)),
        *("--duration", f"{seconds}s", "--script", str(SCRIPT)),
    ]
    for line in load.headers:
        command += ["--header", line]
    scheme = "https" if tls else "http"
    command += [f"{scheme}://127.0.0.1:{port}{load.path}", "--", str(load.upload_bytes)]
    return [*command, "chunked"] if load.chunked else command


def run(
    load: Load, port: int, *, seconds: int, core: int, folder: Path, tls: bool = False
) -> Report:
    """Load 127.0.0.1:``port`` for ``seconds`` and return the report.

    Raises:
      ProgramFailed: wrk gave no report, or did not end.
    """
    command = command_line(load, port, seconds, tls=tls)
    with open_program("wrk", command, core=core, folder=folder) as wrk:
        try:
            wrk.process.wait(seconds + STUCK_AFTER_SECONDS)
        except subprocess.TimeoutExpired:
            raise ProgramFailed(f"wrk did not end after {seconds} s") from None
        return parse_report(wrk.log.read_text("utf-8"))


def warm_up(
    load: Load, port: int, *, seconds: float, core: int, folder: Path, tls: bool = False
) -> None:
    """The same load for a moment, unmeasured: pools fill, caches and branches warm."""
    command = command_line(load, port, 60, tls=tls)
    with open_program("wrk", command, core=core, folder=folder) as wrk:
        with contextlib.suppress(subprocess.TimeoutExpired):
            wrk.process.wait(seconds)
