"""One whole run: opens the bench, runs each row over the peers, clears everything away."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.check import check_bulk, wait_until_ready
from benchmarks.origin import open_origin
from benchmarks.peers.base import Peer
from benchmarks.program import require
from benchmarks.results import Results, RowResult
from benchmarks.rows.base import Bench, Row


def run(
    rows: Sequence[Row],
    peers: Sequence[Peer],
    *,
    seconds: int,
    rounds: int,
    profile_folder: Path | None,
    tell: Callable[[str], None],
) -> Results:
    """Measure ``rows`` over those of ``peers`` that are here.

    Raises:
      ProgramFailed: wrk, nginx or taskset is absent, or the origin does not work. A
        peer's failure is no exception but a cell.
    """
    present = [peer for peer in peers if peer.is_present()]
    results = Results(
        machine=machine.describe(),
        date=time.strftime("%Y-%m-%d"),
        seconds=seconds,
        rounds=rounds,
        versions={peer.name: peer.version() for peer in present},
        absent={peer.name: peer.install for peer in peers if peer not in present},
    )
    with open_bench(seconds=seconds, rounds=rounds, profile_folder=profile_folder) as bench:
        for row in rows:
            ours = [peer for peer in present if peer.takes_part_in(row.name)]
            tell(f"{row.name}: {', '.join(peer.name for peer in ours)}")
            result = results.rows[row.name] = RowResult()
            row.run(ours, bench, result)
    return results


@contextlib.contextmanager
def open_bench(*, seconds: int, rounds: int, profile_folder: Path | None) -> Iterator[Bench]:
    """The origin and a folder for everybody's files, gone again at the end.

    Takes the load's core for this process too, so that it does not stand in the
    proxy's way, and gives it back.
    """
    require("wrk")
    machine.raise_file_limit()
    allowed = os.sched_getaffinity(0)
    cores = machine.Cores.of(allowed)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trio_lb-bench-")))
        os.sched_setaffinity(0, {cores.load})
        stack.callback(os.sched_setaffinity, 0, allowed)
        origin = stack.enter_context(open_origin(folder / "origin", core=cores.load))
        wait_until_ready(origin.program, origin.port)
        check_bulk("the load", origin.port)
        yield Bench(folder, cores, origin, seconds, rounds, profile_folder)
