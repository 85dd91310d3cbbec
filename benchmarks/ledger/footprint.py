"""Rule L7: what a process tree holds, from /proc, and whether it let go of what it took."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from benchmarks import proc
from benchmarks.ledger.checker import Rule, Violation

LET_GO_WITHIN_SECONDS: Final = 10.0
MOST_GROWTH_FRACTION: Final = 0.05


@attrs.frozen
class Footprint:
    """What all processes of a session hold together."""

    descriptors: int
    threads: int
    resident_bytes: int


def take(session: int, folder: Path = proc.PROC) -> Footprint:
    """Look now."""
    members = [
        folder / str(stat.pid) for stat in proc.read_stats(folder) if stat.session == session
    ]
    return Footprint(
        sum(_entries(each / "fd") for each in members),
        sum(_entries(each / "task") for each in members),
        sum(_resident_bytes(each) for each in members),
    )


def _entries(folder: Path) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return len(os.listdir(folder))
    return 0


def _resident_bytes(process: Path) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return proc.resident_bytes_of((process / "statm").read_text("ascii"))
    return 0


def check_descriptors(before: Footprint, after: Footprint) -> Iterator[Violation]:
    """L7 for what must be exactly as before."""
    if after.descriptors > before.descriptors:
        says = f"{after.descriptors} open descriptors, {before.descriptors} before the load"
        yield Violation(Rule.L7, "", says)


def check_memory(warm: Footprint, after: Footprint) -> Iterator[Violation]:
    """L7 for memory, against the footprint after a warm-up: a first request loads code."""
    if after.resident_bytes > warm.resident_bytes * (1 + MOST_GROWTH_FRACTION):
        says = f"{after.resident_bytes:,} bytes resident, {warm.resident_bytes:,} after the warm-up"
        yield Violation(Rule.L7, "", says)
