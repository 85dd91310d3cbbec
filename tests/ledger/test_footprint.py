"""L7: what a process tree holds, and what it must have let go."""

import os
from pathlib import Path

from benchmarks.ledger import footprint
from benchmarks.ledger.footprint import Footprint, check_descriptors, check_memory
from benchmarks.proc import PAGE_BYTES

BEFORE = Footprint(descriptors=10, threads=1, resident_bytes=100_000)


def add_process(folder: Path, pid: int, session: int, descriptors: int, pages: int) -> None:
    """Lay out a process as /proc shows it."""
    for name in ("fd", "task"):
        (folder / str(pid) / name).mkdir(parents=True)
    for number in range(descriptors):
        (folder / str(pid) / "fd" / str(number)).touch()
    (folder / str(pid) / "task" / str(pid)).touch()
    stat = f"{pid} (some (odd) name) S 1 {session} {session} 0 -1 0 0 0 0 0 1 2 3 4 20 0 1 0 0"
    (folder / str(pid) / "stat").write_text(stat, "ascii")
    (folder / str(pid) / "statm").write_text(f"9999 {pages} 5 1 0 9 0", "ascii")


def test_all_processes_of_a_session_count_and_no_other(tmp_path: Path) -> None:
    add_process(tmp_path, 100, session=100, descriptors=5, pages=2)
    add_process(tmp_path, 101, session=100, descriptors=3, pages=4)
    add_process(tmp_path, 200, session=200, descriptors=7, pages=8)
    assert footprint.take(100, tmp_path) == Footprint(8, 2, 6 * PAGE_BYTES)


def test_our_own_process_holds_something() -> None:
    ours = footprint.take(os.getsid(0))
    assert ours.descriptors >= 3
    assert ours.resident_bytes > 1_000_000


def test_a_session_that_does_not_exist_holds_nothing() -> None:
    assert footprint.take(-1) == Footprint(0, 0, 0)


def test_as_many_descriptors_as_before_are_right() -> None:
    assert list(check_descriptors(BEFORE, BEFORE)) == []


def test_one_descriptor_more_is_a_violation() -> None:
    after = Footprint(descriptors=11, threads=1, resident_bytes=100_000)
    assert [each.says for each in check_descriptors(BEFORE, after)] == [
        "11 open descriptors, 10 before the load"
    ]


def test_memory_may_grow_by_a_twentieth_and_not_by_more() -> None:
    for grown, count in ((105_000, 0), (105_001, 1)):
        after = Footprint(descriptors=10, threads=1, resident_bytes=grown)
        assert len(list(check_memory(BEFORE, after))) == count
