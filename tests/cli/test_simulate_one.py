"""``trio-lb simulate`` with one seed: what is told, what is written, what a crash says."""

import json
from pathlib import Path

import pytest

from tests.cli import stories
from trio_lb.cli.exits import Exit
from trio_lb.cli.main import main
from trio_lb.cli.simulate_one import exit_of, plain_interrupts, run_trial_whole, write_json
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.trace_reader import read_trace

CALM = f"{stories.__name__}:calm"
SHORT = ("--until", "2", "--settle", "1")


def simulate(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["simulate", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_summary_ends_with_the_hash_and_the_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = simulate(capsys, CALM, *SHORT, "--seed", "5")
    assert (code, err) == (0, "")
    result = run_trial_whole(Trial(CALM, seed=5, until=2, settle=1), "", trace=True)
    checks = f"all {len(result.verdicts)} checks held"
    hashed = f"trace {result.trace_hash}, {result.happenings} happenings"
    assert out == f"{result.summary()}\n{hashed}\n{checks}\n"


def test_a_broken_check_is_told_with_the_command_that_shows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    odd = f"{stories.__name__}:odd"
    code, out, _ = simulate(capsys, odd, "--until", "4", "--settle", "2", "--seed", "1")
    assert code == 1
    assert out.splitlines()[-2:] == [
        "  2.000000 s no_crash: server:s1: a server crashed",
        f"to look at it: trio-lb simulate {odd} --until 4 --settle 2 --seed 1"
        " --html out.html --trace run.jsonl",
    ]


def test_what_was_never_reached_is_told_loudly(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = simulate(capsys, f"{stories.__name__}:vacuous", *SHORT)
    assert code == 5
    assert "VACUOUS: never reached: a breaker opens" in out.splitlines()
    assert out.splitlines()[-1].endswith(" checks held, which shows little: the run is vacuous")


@pytest.mark.parametrize(
    ("ok", "vacuous", "code"),
    [
        (True, False, Exit.OK),
        (True, True, Exit.VACUOUS),
        (False, False, Exit.FAILURE),
        (False, True, Exit.FAILURE),
    ],
)
def test_a_broken_check_counts_more_than_a_point_that_was_missed(
    ok: bool, vacuous: bool, code: Exit
) -> None:
    assert exit_of(ok=ok, vacuous=vacuous) is code


def test_report_figures_and_trace_are_of_the_same_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html, figures, trace = (str(tmp_path / name) for name in ("o.html", "o.json", "o.jsonl"))
    argv = [CALM, *SHORT, "--html", html, "--json", figures, "--trace", trace]
    assert simulate(capsys, *argv)[0] == 0
    data = json.loads(Path(figures).read_text())
    header, events = read_trace(trace)
    count = sum(1 for _ in events)
    last = json.loads(Path(trace).read_text().splitlines()[-1])
    assert data["run"]["trace_hash"] == last["hash"]
    assert (last["end"], header.seed) == (count, 0)
    assert Trial.from_data(json.loads(header.trial)) == Trial(CALM, until=2, settle=1)
    assert data["run"]["command"] == f"trio-lb simulate {CALM} --until 2 --settle 1 --seed 0"
    assert Path(html).read_text().startswith("<!DOCTYPE html>")


def test_figures_on_standard_output_are_alone_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = simulate(capsys, CALM, *SHORT, "--json", "-")
    assert (code, err) == (0, "")
    assert json.loads(out)["run"]["name"] == CALM


def test_a_check_that_crashes_is_named_with_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = simulate(capsys, f"{stories.__name__}:crashing", *SHORT, "--seed", "3")
    assert (code, out) == (70, "")
    last = err.splitlines()[-1]
    assert last.startswith(
        "trio-lb simulate: the simulation itself crashed: CheckCrashed: the check 'my_check' crashed"
    )
    assert "with seed 3, at 0." in last


def test_an_interrupt_in_groups_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), plain_interrupts():
        raise BaseExceptionGroup("", [BaseExceptionGroup("", [KeyboardInterrupt()])])
    with pytest.raises(ExceptionGroup), plain_interrupts():
        raise ExceptionGroup("", [ValueError()])


def test_json_is_a_file_or_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_json(str(tmp_path / "a.json"), {"a": 1})
    write_json("-", {"a": 1})
    text = '{\n  "a": 1\n}\n'
    assert (tmp_path / "a.json").read_text() == text
    assert capsys.readouterr() == (text, "")
