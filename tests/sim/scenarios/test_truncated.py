"""A scenario that is cut off says so of each check that it does not come to; none is broken by it."""

from typing import Final

import pytest

from trio_lb.sim.result import Result
from trio_lb.sim.scenarios.catalogue import MODULES
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.trial_run import run_whole, scenario_of

LONG: Final = ("stable-day",)
"""What takes minutes of CPU also when it is cut."""
SLOW: Final = {"slowloris": 0.25, "thundering-herd": 0.25}
"""Of these no more than this part: they take seconds from then on."""
FRACTIONS: Final = (0.25, 0.5, 0.75)

CUTS: Final = [
    (name, fraction)
    for name in MODULES
    if name not in LONG
    for fraction in FRACTIONS
    if fraction <= SLOW.get(name, 1.0)
]


def cut(name: str, fraction: float) -> Result:
    scenario = scenario_of(name)
    trial = Trial(name, until=scenario.until * fraction, settle=scenario.settle)
    return run_whole(trial, tally=False, trace=False)


@pytest.mark.parametrize(("name", "fraction"), CUTS)
def test_what_lies_beyond_the_end_breaks_no_check(name: str, fraction: float) -> None:
    assert cut(name, fraction).violations == []


@pytest.mark.parametrize(
    ("name", "unreached"),
    [
        ("accept-stall", ["comes_back (it takes a run of 60 s)", "share_falls (it takes a run of 50 s)"]),
        ("flapping-health", ["oscillation (it takes a run of 80 s)"]),
        ("gray-failure", ["share_during (it takes a run of 60 s)", "slower_during (it takes a run of 60 s)"]),
    ],
)  # fmt: skip
def test_it_says_which_checks_it_did_not_come_to(name: str, unreached: list[str]) -> None:
    result = cut(name, 0.5)
    assert [point.name for point in result.coverage if point.at is None] == unreached
    assert result.is_vacuous
    whole = {
        check.name for check in scenario_of(name).simulation().checks if hasattr(check, "name")
    }
    judged = {verdict.name for verdict in result.verdicts}
    assert {each.partition(" ")[0] for each in unreached} == whole - judged


@pytest.mark.parametrize("settle", [0.0, 5.0, 15.0])
def test_leavers_go_with_the_time_of_faults_and_are_counted_when_there_is_time_for_it(
    settle: float,
) -> None:
    trial = Trial("connection-leak-hunt", until=27.3, settle=settle)
    result = run_whole(trial, tally=False, trace=False)
    assert result.violations == []
    missed = [point.name for point in result.coverage if point.at is None]
    assert "every byte was left at while servers were silent" in missed, "they were, for 2.3 s"
    assert ("baseline (it takes 13 s to settle)" in missed) == (settle < 13.0)


def test_a_silence_after_the_box_has_gone_is_not_what_the_story_is_about() -> None:
    missed = [each.name for each in cut("silent-nat-drop", 0.25).coverage if each.at is None]
    assert missed == ["a request after a silence that the box did not bear"]
