"""CPU time and memory out of /proc."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchmarks import proc
from benchmarks.proc import Stat


def line(pid: int, command: str, session: int, times: tuple[int, int, int, int]) -> str:
    """A line of /proc/PID/stat as the kernel writes it: 52 fields, most of them 7 here."""
    before_times = ["S", "1", "7", str(session), *["7"] * 7]
    return " ".join([str(pid), f"({command})", *before_times, *map(str, times), *["7"] * 35]) + "\n"


def test_a_stat_line_gives_session_and_the_ticks_of_the_process_and_its_ended_children() -> None:
    assert proc.parse_stat(line(4711, "nginx", 4700, (100, 20, 3, 4))) == Stat(4711, 4700, 127)


@given(st.text(st.characters(exclude_characters="\n"), max_size=15))
def test_no_command_name_confuses_the_fields(command: str) -> None:
    assert proc.parse_stat(line(9, command, 8, (1, 2, 3, 4))) == Stat(9, 8, 10)


def test_the_cpu_time_of_a_tree_is_that_of_its_session_and_of_nobody_else() -> None:
    stats = [Stat(10, 10, ticks=150), Stat(11, 10, ticks=50), Stat(12, 12, ticks=999)]
    assert proc.cpu_seconds_of(stats, 10) == 200 / os.sysconf("SC_CLK_TCK")


def test_a_session_without_processes_has_used_nothing() -> None:
    assert proc.cpu_seconds_of([Stat(12, 12, ticks=999)], 10) == 0


def test_the_second_number_of_statm_is_the_resident_set_in_pages() -> None:
    assert proc.resident_bytes_of("5000 250 100 1 0 300 0\n") == 250 * os.sysconf("SC_PAGE_SIZE")


def test_a_process_that_ends_while_the_list_is_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "stat").write_text(line(10, "here", 10, (1, 1, 0, 0)))
    (tmp_path / "11").mkdir()
    (tmp_path / "cpuinfo").write_text("no process")
    assert list(proc.read_stats(tmp_path)) == [Stat(10, 10, 2)]


def test_we_find_ourselves() -> None:
    session = os.getsid(0)
    assert os.getpid() in {stat.pid for stat in proc.read_stats() if stat.session == session}
    assert proc.cpu_seconds(session) > 0
    assert proc.resident_bytes(session) > 1_000_000
