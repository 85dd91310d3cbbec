"""``trio-lb simulate --seeds``: over processes, with the first failure made small."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import stories
from trio_lb.cli.main import main
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.trace_reader import read_header
from trio_lb.sim.trial_run import run_trial

ROOT = Path(__file__).resolve().parents[2]
ODD = f"{stories.__name__}:odd"
SHORT = ("--until", "4", "--settle", "1")


def simulate(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[str]]:
    code = main(["simulate", *argv])
    out, err = capsys.readouterr()
    assert err == "", "a bar is for terminals"
    return code, out.splitlines()


def test_seeds_that_hold_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    calm = f"{stories.__name__}:calm"
    argv = [calm, "--until", "2", "--settle", "0", "--seeds", "3", "--jobs", "2"]
    assert simulate(capsys, *argv) == (0, [f"{calm}, seeds 0 to 2: all 3 held"])


def test_seeds_that_all_miss_what_they_are_about_end_with_five(
    capsys: pytest.CaptureFixture[str],
) -> None:
    vacuous = f"{stories.__name__}:vacuous"
    argv = [vacuous, "--until", "1", "--settle", "0", "--seeds", "2", "--jobs", "1"]
    assert simulate(capsys, *argv) == (
        5,
        [
            f"{vacuous}, seeds 0 to 1: all 2 held (2 of them vacuous)",
            "VACUOUS: never reached: a breaker opens",
        ],
    )


def test_the_first_failure_is_made_small_and_written_as_a_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test, figures = tmp_path / "test_it.py", tmp_path / "o.json"
    argv = [ODD, *SHORT, "--seeds", "4", "--emit", str(test), "--json", str(figures)]
    code, lines = simulate(capsys, *argv)
    assert code == 1
    assert lines[:5] == [
        f"{ODD}, seeds 0 to 3: 2 held, 2 failed",
        "  seed 1: 2.000000 s no_crash: server:s1: a server crashed",
        "  seed 3: 2.000000 s no_crash: server:s1: a server crashed",
        "  reached by 4 of 4: a fault begins",
        f"to look at it: trio-lb simulate {ODD} --until 4 --settle 1 --seed 1"
        " --html out.html --trace run.jsonl",
    ]
    assert lines[6] == f"the test is in {test}"
    data = json.loads(figures.read_text())
    assert [each["ok"] for each in data["seeds"]] == [True, False, True, False]
    assert data["small"]["test"] == test.read_text()
    assert [fault["kind"] for fault in data["small"]["trial"]["faults"]] == ["crash"]
    assert lines[5].startswith(f"seed 1 made small in {data['small']['runs']} runs: 1 of 2 faults")


def test_one_seed_is_made_small_where_a_test_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "test_it.py"
    code, lines = simulate(capsys, ODD, *SHORT, "--seed", "3", "--emit", str(test))
    assert (code, lines[0]) == (1, f"{ODD}, seed 3: 0 held, 1 failed")
    assert "def test_no_crash_of_odd_with_seed_3() -> None:" in test.read_text()


def test_a_failure_can_be_left_as_it_is_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, trace = tmp_path / "o.html", tmp_path / "o.jsonl"
    argv = [
        ODD,
        *SHORT,
        "--seeds",
        "2",
        "--shrink",
        "0",
        "--html",
        str(html),
        "--trace",
        str(trace),
    ]
    code, lines = simulate(capsys, *argv)
    assert (code, len(lines)) == (1, 4)
    assert "seed 1" in html.read_text()
    assert read_header(trace).seed == 1, "that of the first failure"


def test_twins_that_differ_fail(capsys: pytest.CaptureFixture[str]) -> None:
    hashing = f"{stories.__name__}:hashing"
    argv = [hashing, "--until", "2", "--settle", "0", "--twins", "--shrink", "0"]
    code, lines = simulate(capsys, *argv)
    assert (code, lines[0]) == (1, f"{hashing}, seed 0: 0 held, 1 failed")
    assert lines[1].startswith("  seed 0: twins: two runs, two traces: hash ")


def test_twins_that_agree_hold(capsys: pytest.CaptureFixture[str]) -> None:
    calm = f"{stories.__name__}:calm"
    argv = [calm, "--until", "2", "--settle", "0", "--twins"]
    code, (line,) = simulate(capsys, *argv)
    said, _, trace_hash = line.rstrip(")").partition(" (two processes, the same trace: hash ")
    assert (code, said) == (0, f"{calm}, seed 0: all 1 held")
    assert trace_hash == run_trial(Trial(calm, until=2, settle=0)).trace_hash


def test_twins_of_several_seeds_are_told_of_together(capsys: pytest.CaptureFixture[str]) -> None:
    calm = f"{stories.__name__}:calm"
    argv = [calm, "--until", "2", "--settle", "0", "--twins", "--seeds", "2"]
    agreed = "all 2 held (each in two processes, with the same trace)"
    assert simulate(capsys, *argv) == (0, [f"{calm}, seeds 0 to 1: {agreed}"])


@pytest.mark.parametrize("alone", [["--twins"], ["--seeds", "1"]])
def test_one_seed_that_crashes_is_an_internal_fault(
    capsys: pytest.CaptureFixture[str], alone: list[str]
) -> None:
    crashing = f"{stories.__name__}:crashing"
    argv = [crashing, "--until", "1", "--settle", "0", "--seed", "3", "--shrink", "0", *alone]
    code, lines = simulate(capsys, *argv)
    assert (code, lines[0]) == (70, f"{crashing}, seed 3: 0 held, 1 failed")
    assert "the check 'my_check' crashed" in lines[1]


def test_a_seed_that_takes_its_process_with_it_does_not_end_the_search(
    capsys: pytest.CaptureFixture[str],
) -> None:
    dying = f"{stories.__name__}:dying"
    argv = [dying, "--until", "1", "--settle", "0", "--seed", "1", "--seeds", "3", "--shrink", "0"]
    code, lines = simulate(capsys, *argv)
    assert (code, lines[:2]) == (
        1,
        [
            f"{dying}, seeds 1 to 3: 2 held, 1 failed",
            "  seed 2: crashed: its process ended with exit code 9",
        ],
    )


def test_ctrl_c_tells_of_the_seeds_that_are_done() -> None:
    slow = f"{stories.__name__}:slow_after_two"
    command = [sys.executable, "-m", "trio_lb", "simulate", slow, "--until", "1", "--settle", "0"]
    process = subprocess.Popen(
        [*command, "--seeds", "1000", "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "seed 2 never ends\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert out == f"{slow}, seeds 0 to 999: interrupted after 2 of 1,000: all 2 held\n"


def interrupted_when_run_again(folder: Path, name: str, *more: str) -> str:
    """Let a failure of seed 1 be made small, say Ctrl-C at that, and return what was printed."""
    command = [sys.executable, "-m", "trio_lb", "simulate", name, *SHORT, *more]
    process = subprocess.Popen(
        [*command, "--seed", "1", "--seeds", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "it is run again\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    return out


def test_ctrl_c_while_a_failure_is_made_small_leaves_what_was_told(tmp_path: Path) -> None:
    name = f"{stories.__name__}:fails_once"
    out = interrupted_when_run_again(tmp_path, name, "--json", "o.json")
    assert out.splitlines()[0] == f"{name}, seed 1: 0 held, 1 failed"
    data = json.loads((tmp_path / "o.json").read_text())
    assert (len(data["seeds"]), data["small"]) == (1, None)


def test_ctrl_c_in_the_middle_of_it_leaves_a_test_of_what_is_small_by_then(tmp_path: Path) -> None:
    name = f"{stories.__name__}:fails_and_waits"
    out = interrupted_when_run_again(tmp_path, name, "--emit", "test_it.py")
    assert out.splitlines()[-2:] == [
        "seed 1 made small in 6 runs: 1 of 2 faults, 3 of 4 s; stopped there, more might go",
        "the test is in test_it.py",
    ]
    assert "Crash" in (tmp_path / "test_it.py").read_text()


def test_who_names_nothing_searches_what_has_something_of_everything(
    capsys: pytest.CaptureFixture[str],
) -> None:
    length = ("--until", "1", "--settle", "1", "--seeds", "2", "--jobs", "1", "--shrink", "0")
    _, nameless = simulate(capsys, *length)
    _, named = simulate(capsys, "fleet", "--swarm", *length)
    assert nameless == named
    assert nameless[0].startswith("fleet, seeds 0 to 1: ")


def test_where_nothing_fails_no_test_is_written_and_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "test_it.py"
    calm = f"{stories.__name__}:calm"
    code, lines = simulate(capsys, calm, "--until", "1", "--settle", "0", "--emit", str(test))
    assert (code, lines[1:]) == (0, [f"nothing failed, so no test was written to {test}"])
    assert not test.exists()


def test_seeds_of_a_story_that_is_cut_off_say_what_they_do_not_come_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = ["zone-partition", "--until", "25", "--seeds", "1", "--jobs", "1"]
    code, lines = simulate(capsys, *argv)
    assert code == 5
    assert "VACUOUS: never reached: comes_back (it takes a run of 60 s)" in lines
