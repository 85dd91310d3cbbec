"""``trio-lb whatif``: two configurations in the same outages, and an honest exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import stories
from tests.sim.whatif.configurations import written
from trio_lb.cli.main import main
from trio_lb.cli.whatif import chosen_scenarios, pages_of
from trio_lb.sim.scenarios.catalogue import MODULES

ROOT = Path(__file__).resolve().parents[2]
CRASH = f"{stories.__name__}:crash"
SHORT = ("--scenario", CRASH, "--until", "5")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    return tmp_path


def whatif(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[str], str]:
    code = main(["whatif", *argv])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err


def test_a_better_configuration_is_told_and_is_no_failure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [
        "old.yaml",
        "new.yaml",
        *SHORT,
        "--fail-if-worse",
        "--html",
        "ab.html",
        "--json",
        "ab.json",
    ]
    code, lines, err = whatif(capsys, *argv)
    assert (code, err) == (0, "")
    assert lines[0] == f"{CRASH}, seed 0, the same clients and faults for both"
    assert "  broken by the old one only: error_rate (in 1 seed)" in lines
    assert (folder / "ab.html").read_text().startswith("<!DOCTYPE html>")
    data = json.loads((folder / "ab.json").read_text())
    (seed,) = data["scenarios"][0]["seeds"]
    assert (data["worse"], list(seed["broken"]["old"])) == (False, ["error_rate"])


def test_a_worse_one_fails_where_that_was_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = whatif(capsys, "new.yaml", "old.yaml", *SHORT, "--seeds", "2")
    assert code == 0
    assert "  BROKEN BY THE NEW ONE ONLY: error_rate (in 2 seeds)" in lines
    code, lines, _ = whatif(
        capsys, "new.yaml", "old.yaml", *SHORT, "--fail-if-worse", "--json", "-"
    )
    assert (code, json.loads("\n".join(lines))["worse"]) == (1, True)


def test_both_get_the_faults_of_a_file_instead_of_the_scenario_s(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "f.yaml").write_text(
        "- {at: 2s, kind: crash, target: {random: servers}, for: 3s}\n"
        "- {at: 9s, kind: crash, target: 'server:10.0.0.2-80'}\n"
    )
    code, lines, err = whatif(capsys, "old.yaml", "new.yaml", *SHORT, "--faults", "f.yaml")
    assert (code, err) == (0, "")
    assert lines[1] == "  1 of 2 faults begins after the end at 5 s and never came"
    (look,) = (line for line in lines if "to look at it" in line)
    assert look == (
        f"    to look at it: trio-lb simulate {CRASH} --config old.yaml --faults f.yaml --seed 0"
        " --until 5 --html out.html --trace run.jsonl"
    )
    # That command is the same run: it breaks the same check at the same instant.
    said = next(line.strip() for line in lines if "error_rate: web" in line)
    assert main(["simulate", *look.partition(" simulate ")[2].split()]) == 1
    assert said in capsys.readouterr().out


def test_a_file_of_faults_that_is_wrong_is_told_by_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "f.yaml").write_text("- {at: 2s, kind: crahs, target: 'server:s1'}\n")
    code, lines, err = whatif(capsys, "old.yaml", "new.yaml", *SHORT, "--faults", "f.yaml")
    assert (code, lines) == (78, [])
    assert err.startswith("f.yaml:1")


def test_what_a_world_can_not_adopt_is_refused_whichever_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").write_text("load_balancer:\n  servres: [a:80]\n")
    for argv in (["bad.yaml", "new.yaml"], ["old.yaml", "bad.yaml"]):
        code, lines, err = whatif(capsys, *argv, *SHORT)
        assert (code, lines) == (78, [])
        assert err.startswith("bad.yaml:2 load_balancer.servres: unknown key")


def test_an_unknown_scenario_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["whatif", "a", "b", "--scenario", "fleet,zone-partion"])
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "trio-lb whatif: argument --scenario: 'zone-partion' is no scenario;"
        " did you mean 'zone-partition'?\n"
    )


def test_a_crash_of_one_of_the_two_is_told_and_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crashing = f"{stories.__name__}:crashing"
    argv = ["old.yaml", "new.yaml", "--scenario", crashing, "--until", "2", "--seed", "3"]
    code, lines, _ = whatif(capsys, *argv)
    assert (code, lines[0]) == (1, f"{crashing}, seed 3, the same clients and faults for both")
    assert lines[1].startswith("  seed 3: CheckCrashed: the check 'my_check' crashed")


def test_all_are_those_that_take_no_more_than_an_hour() -> None:
    names = [each.name for each in chosen_scenarios("all")]
    assert set(names) <= set(MODULES)
    assert {"fleet", "zone-partition"} <= set(names)
    assert all(each.until <= 3600 for each in chosen_scenarios("all"))


def test_named_ones_come_in_their_order_each_once() -> None:
    names = [each.name for each in chosen_scenarios("zone-partition,fleet,zone-partition")]
    assert names == ["zone-partition", "fleet"]


def test_each_scenario_has_a_page_of_its_own() -> None:
    one, two = chosen_scenarios("fleet,zone-partition")
    assert pages_of(None, [one], 0) == {}
    assert pages_of("out/ab.html", [one], 7) == {("fleet", 7): "out/ab.html"}
    assert pages_of("out/ab.html", [one, two], 7) == {
        ("fleet", 7): "out/ab-fleet.html",
        ("zone-partition", 7): "out/ab-zone-partition.html",
    }


def test_ctrl_c_tells_of_what_is_done(folder: Path) -> None:
    slow = f"{stories.__name__}:slow_after_two"
    command = [sys.executable, "-m", "trio_lb", "whatif", "old.yaml", "new.yaml"]
    process = subprocess.Popen(
        [*command, "--scenario", slow, "--until", "1", "--seeds", "5", "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "seed 2 never ends\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert out.splitlines()[:2] == [
        "interrupted; what was done:",
        f"{slow}, 2 seeds (0 to 1), the same clients and faults for both",
    ]


def test_of_a_program_without_a_balancer_it_tells_what_clients_saw(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = f"{stories.__name__}:own_program"
    argv = ["old.yaml", "new.yaml", "--scenario", own, "--until", "3", "--json", "own.json"]
    code, lines, err = whatif(capsys, *argv)
    assert (code, err) == (0, "")
    data = json.loads((folder / "own.json").read_text())
    found = {name: each["a"] for name, each in data["scenarios"][0]["seeds"][0]["figures"].items()}
    assert found["requests"] > 500
    assert 0 < found["failed"] < 10
    assert found["tries of clients"] > 600, "those that found a connection"
    assert found["good"] == pytest.approx(1 - found["failed"] / found["requests"])
    assert [found["amplification"], found["longest queue"]] == [None, None]
    assert ["amplification", "–", "–"] in map(str.split, lines)
