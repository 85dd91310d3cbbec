"""CPU time and memory of a process tree, from /proc.

Every program of the benchmarks leads a session of its own, so "its tree" is the set
of processes with its session id: that still holds for a worker whose parent died,
which a walk along parent ids would lose.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

PROC: Final = Path("/proc")
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@attrs.frozen(slots=True)
class Stat:
    """What /proc/PID/stat says of one process (proc(5)).

    ``ticks`` is user + system time, that of its children which ended and were waited
    for included: a worker that was replaced still counts, and none counts twice.
    """

    pid: int
    session: int
    ticks: int


def parse_stat(text: str) -> Stat:
    """Read one line of /proc/PID/stat.

    The command's name stands in parentheses and may hold blanks and parentheses
    itself, so the fields are counted from the last one that closes.
    """
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(") ")[2].split()
    return Stat(int(pid), session=int(fields[3]), ticks=sum(map(int, fields[11:15])))


def cpu_seconds_of(stats: Iterable[Stat], session: int) -> float:
    """User + system seconds that the processes of ``session`` have used so far."""
    return sum(stat.ticks for stat in stats if stat.session == session) / TICKS_A_SECOND


def resident_bytes_of(statm: str) -> int:
    """The resident set out of a line of /proc/PID/statm, shared pages included."""
    return int(statm.split()[1]) * PAGE_BYTES


def cpu_seconds(session: int) -> float:
    """User + system seconds of a session's processes up to now; steps of one tick (10 ms)."""
    return cpu_seconds_of(read_stats(), session)


def resident_bytes(session: int) -> int:
    """Resident memory of a session's processes together; a shared page counts in each."""
    members = (stat.pid for stat in read_stats() if stat.session == session)
    return sum(resident_bytes_of(text) for pid in members if (text := _read(pid, "statm")))


def read_stats(proc: Path = PROC) -> Iterator[Stat]:
    """All processes that are there now; one that ends meanwhile is left out."""
    for entry in proc.iterdir():
        if entry.name.isdigit() and (text := _read(int(entry.name), "stat", proc)):
            yield parse_stat(text)


def _read(pid: int, name: str, proc: Path = PROC) -> str:
    try:
        return (proc / str(pid) / name).read_text("utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
