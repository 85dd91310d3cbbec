"""One server fails at once and has little to do."""

import pytest

from tests.scenario_pages import run_once
from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.fast_failing_node import EjectedWithin


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_ejected_before_many_requests_have_failed(seed: int) -> None:
    run_once("fast-failing-node", seed=seed).require()


def test_without_ejection_it_gets_more_than_its_share() -> None:
    result = run_once("fast-failing-node", protected=False)
    assert broken(result) == ["error_rate", "ejected_within"]
    failing = result.tally
    assert failing is not None
    tenth = 30.0 * 100.0 / 10.0  # Of the requests of the thirty seconds.
    assert result.figures().errors["500"] > 1.2 * tenth


@pytest.mark.parametrize(
    ("at", "found", "is_broken"), [(24.9, "4.90 s", False), (25.1, "5.10 s", True)]
)
def test_the_first_ejection_of_that_server_counts(at: float, found: str, is_broken: bool) -> None:
    check = EjectedWithin("s1", 5.0)
    play = Play(check)
    play.tell(20.0, What.INJECT, "server:s1", "errors", 0, "{}")
    play.lb(21.0, What.EJECT, "s2", "default", "x", 5)
    play.lb(at, What.EJECT, "s1", "default", "x", 5)
    play.lb(at + 10.0, What.EJECT, "s1", "default", "x", 5)
    assert bool(play.end()) is is_broken
    assert check.found == found


def test_never_is_too_late() -> None:
    assert Play(EjectedWithin("s1", 5.0)).end() == ["s1 was never ejected"]
