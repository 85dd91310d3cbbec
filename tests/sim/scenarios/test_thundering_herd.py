"""Half of the fleet comes back at once."""

import pytest

from tests.scenario_pages import run_once
from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.thundering_herd import HalfOpens, PeakRate


@pytest.mark.parametrize("seed", [1, 2])
def test_who_returns_is_asked_bit_by_bit(seed: int) -> None:
    run_once("thundering-herd", seed=seed).require()


def test_without_chance_and_slow_start_all_return_at_one_instant_and_get_everything() -> None:
    result = run_once("thundering-herd", protected=False)
    assert {"half_opens", "peak_rate"} <= set(broken(result))
    (found,) = [verdict.found for verdict in result.verdicts if verdict.name == "half_opens"]
    assert found == "10"


@pytest.mark.parametrize(("many", "is_broken"), [(15, False), (16, True)])
def test_the_fullest_second_after_the_return_is_compared(many: int, is_broken: bool) -> None:
    check = PeakRate(["s1", "s2"], 1.5)
    play = Play(check)
    for tenth in range(120):  # Ten a second, from second 8 on.
        play.tell(8.0 + tenth / 10, What.TAKE, "s1" if tenth % 2 else "s2", "GET", 0, 0)
    for number in range(100):
        play.tell(30.0 + number / 1000, What.TAKE, "s1", "GET", 0, 0)  # During the outage.
    for number in range(100):
        play.tell(55.0 + number / 1000, What.TAKE, "s3", "GET", 0, 0)  # One that was there.
    for number in range(many):
        play.tell(60.9 + number / 100, What.TAKE, "s1", "GET", 0, 0)
    play.tell(62.0, What.TAKE, "s1", "GET", 0, 0)
    assert bool(play.end()) is is_broken
    assert check.found == f"{many / 10:.2f} times"


def test_breakers_that_half_open_together_count_from_their_second_time_on() -> None:
    check = HalfOpens(2)
    play = Play(check)
    names = [f"s{number}" for number in range(5)]
    for name in names:
        play.lb(23.0, What.HALF_OPEN, name, "default")
    for number, name in enumerate(names[:4]):
        play.lb(30.0 + number / 2, What.HALF_OPEN, name, "default")
    assert play.said == []
    play.lb(31.9, What.HALF_OPEN, names[4], "default")
    assert play.end() == ["more than 2 breakers half-open in one second"]
    assert check.found == "3"
