"""A day on which things fail now and then: here an hour long, or the suite would take a day."""

import pytest

from tests.sim.checks.support import Play, world
from tests.sim.scenarios.support import broken
from trio_lb.sim.happening import What
from trio_lb.sim.result import Result
from trio_lb.sim.scenarios.catalogue import find
from trio_lb.sim.scenarios.stable_day import (
    SPARE_OBJECTS,
    MemoryFlat,
    NoDrift,
    census_of_the_product,
)
from trio_lb.state.server import Server

SHORT = {"day": 3600.0, "requests": 2500.0, "faults": 2.0}


def run_short(seed: int, *, protected: bool = True) -> Result:
    sim = find("stable-day").simulation(seed=seed, protected=protected, options=SHORT)
    return sim.run(until=3600.0, settle=60.0)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_short_day_leaves_nothing_behind(seed: int) -> None:
    result = run_short(seed).require()
    assert len(result.faults) > 10
    assert result.figures().success_fraction > 0.995


def test_without_checks_and_retries_the_day_is_not_good_enough() -> None:
    assert "error_rate" in broken(run_short(1, protected=False))


def _day(leak: int) -> list[str]:
    """Live through 8 hours, in each of which so many timers more are left."""
    play = Play(NoDrift(8.0, lambda: 10 + leak * int(play.now), lambda: 5), world())
    for eighth in range(64):
        play.tell(eighth / 8, What.ARRIVE, "web", "GET", req=eighth + 1)
    return play.end()


def test_levels_that_depend_on_the_load_alone_do_not_drift() -> None:
    assert _day(leak=0) == []


def test_what_is_more_in_the_evening_than_in_the_morning_has_leaked() -> None:
    assert _day(leak=6) == ["37.0 timers in the evening, 25.0 in the morning"]


def _lives(more: int) -> list[str]:
    counts = iter([{"a.Lease": 7}, {"a.Lease": 7 + more, "b.Task": 1}])
    play = Play(MemoryFlat(10.0, lambda: next(counts)))
    play.tell(5.0, What.DONE, "web", 1, 1, 0, "", req=1)
    play.tell(10.0, What.DONE, "web", 1, 1, 0, "", req=2)
    play.tell(11.0, What.DONE, "web", 1, 1, 0, "", req=3)
    return play.end()


def test_objects_are_counted_once_in_the_morning_and_once_at_the_end() -> None:
    assert _lives(SPARE_OBJECTS) == []
    assert _lives(SPARE_OBJECTS + 1) == ["101 more objects a.Lease live than in the morning"]


def test_the_census_counts_the_product_s_own_objects() -> None:
    census = census_of_the_product()
    assert all(name.startswith("trio_lb.") for name in census)
    assert not any(name.startswith("trio_lb.sim.") for name in census)
    assert Server.__module__.startswith("trio_lb.state."), "one of those that are counted"
