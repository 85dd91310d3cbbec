"""Runs in which nothing could go wrong say so: late faults, no faults, nobody who asks."""

from pathlib import Path

import pytest

from tests.cli import stories
from trio_lb.cli.main import main
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.faults.fluent import Crash, at, every
from trio_lb.sim.faults.fluent import schedule as scheduled
from trio_lb.sim.faults.schedule import Schedule
from trio_lb.sim.scenario import Setup
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.trial_run import run_whole
from trio_lb.sim.vain import NOBODY_ASKED, late_line, no_fault

CALM = f"{stories.__name__}:calm"
SHORT = ("--until", "5s", "--settle", "1s")
LATE = "- {at: 300s, kind: crash, target: 'server:s1', for: 5s}\n"
SOON = "- {at: 1s, kind: crash, target: 'server:s1', for: 1s}\n"


def crashes(*instants: float) -> Schedule:
    return scheduled(*(at(each, Crash("server:s1", for_="1s")) for each in instants))


def world(*instants: float, gap: float = 0.1) -> Simulation:
    sim = Simulation(1, name="short")
    sim.server("s1")
    sim.server("s2")
    sim.balancer()
    sim.clients("web", OpenLoop(Every(gap)))
    sim.faults(*(at(each, Crash("server:s1", for_="1s")) for each in instants))
    return sim


def test_faults_after_the_end_are_counted() -> None:
    assert late_line([crashes(1, 5), crashes(300)], 5) == (
        "2 of 3 faults begin after the end at 5 s and never came"
    )
    assert late_line([crashes(6)], 5) == "1 of 1 fault begins after the end at 5 s and never came"
    assert late_line([crashes(1, 2)], 5) == ""


def test_what_comes_again_and_again_is_late_if_its_first_time_is() -> None:
    again = scheduled(every("10s", Crash("server:s1", for_="1s")))
    assert (again.late(10), again.late(11)) == (1, 0)


def test_no_fault_can_come_of_an_empty_schedule_nor_of_a_late_one() -> None:
    assert no_fault([Schedule()], 5) == "no fault is planned"
    assert no_fault([crashes(300)], 5) == "none of the planned faults came"
    assert no_fault([crashes(1, 300)], 5) == ""


def test_a_run_to_which_none_of_its_faults_came_is_vacuous() -> None:
    result = world(200).run(5)
    assert (result.ok, result.is_vacuous) == (True, True)
    with pytest.raises(AssertionError) as caught:
        result.require()
    assert "vacuous: none of the planned faults came" in str(caught.value)
    assert "1 of 1 fault begins after the end at 5 s and never came" in str(caught.value)


def test_a_run_to_which_some_came_tells_of_the_others() -> None:
    result = world(1, 200).run(5)
    assert not result.is_vacuous
    late = "1 of 2 faults begins after the end at 5 s and never came"
    assert result.late == late
    assert late in result.summary().splitlines()


def test_a_run_in_which_nobody_asked_is_vacuous(tmp_path: Path) -> None:
    result = world(gap=100.0).run(5)
    assert result.vain == (NOBODY_ASKED,)
    assert f"VACUOUS: {NOBODY_ASKED}" in result.summary().splitlines()
    result.html(tmp_path / "page.html")
    assert NOBODY_ASKED in (tmp_path / "page.html").read_text()


def test_a_world_without_clients_and_faults_has_nothing_to_miss() -> None:
    sim = Simulation(1)
    sim.server("s1")
    assert not sim.run(1).is_vacuous


def late_story(setup: Setup) -> Simulation:
    sim = stories.calm(setup)
    sim.faults(at(40, Crash("server:s1", for_="1s")))
    return sim


def test_a_story_may_be_cut_before_its_faults_by_who_asks_for_less_of_it() -> None:
    result = run_whole(Trial(f"{__name__}:late_story", until=5))
    assert not result.is_vacuous
    assert result.late


# ------------------------------------------------------------------ on the command line


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (LATE, 5, "VACUOUS: faults.yaml: none of the planned faults came"),
        ("[]\n", 5, "VACUOUS: faults.yaml: no fault is planned"),
        (SOON + LATE, 0, "1 of 2 faults begins after the end at 5 s and never came"),
        (SOON, 0, ""),
    ],
)
@pytest.mark.parametrize("seeds", [[], ["--seeds", "1"]])
def test_a_file_of_faults_that_do_not_come_is_told(
    text: str,
    code: int,
    said: str,
    seeds: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("faults.yaml").write_text(text)
    assert main(["simulate", CALM, *SHORT, "--faults", "faults.yaml", *seeds]) == code
    lines = capsys.readouterr().out.splitlines()
    assert said in lines or not said
    assert any("never came" in line for line in lines) == (LATE in text)


def test_a_scenario_in_which_nobody_asks_shows_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    quiet = ["simulate", "zone-partition", "--option", "rate=0.0001", "--until", "25s"]
    assert main([*quiet, "--settle", "1s"]) == 5
    assert f"VACUOUS: {NOBODY_ASKED}" in capsys.readouterr().out.splitlines()
    assert main([*quiet, "--settle", "1s", "--seeds", "1"]) == 5
    assert f"VACUOUS: {NOBODY_ASKED}" in capsys.readouterr().out.splitlines()
