"""A point of coverage is reached at the first happening that counts, and never objects."""

from tests.sim.checks.support import Play
from trio_lb.sim.checks.coverage import Coverage, Sometimes
from trio_lb.sim.checks.violation import Reached
from trio_lb.sim.happening import What


def test_the_first_of_a_kind_reaches_it() -> None:
    point = Sometimes("fail_open_entered", What.FAIL_OPEN)
    play = Play(point)
    assert point.reached == Reached("fail_open_entered", None)
    play.lb(3.0, What.FAIL_OPEN, "default", "all fell")
    play.lb(4.0, What.FAIL_OPEN, "default", "all fell")
    assert point.reached == Reached("fail_open_entered", 3.0, What.FAIL_OPEN)
    assert play.end() == []


def test_a_predicate_decides_what_counts() -> None:
    point = Sometimes("third_attempt", What.RETRY, when=lambda h: int(h.values[2]) >= 2)
    play = Play(point)
    play.lb(1.0, What.RETRY, "s1", "default", 1, "reset", 0)
    assert point.reached.at is None
    play.lb(2.0, What.RETRY, "s1", "default", 2, "reset", 0)
    assert point.reached.at == 2.0


def test_without_kinds_it_is_a_point_that_the_program_names() -> None:
    point = Sometimes("cache_was_cold")
    play = Play(point)
    play.tell(1.0, What.SOMETIMES, "me", "cache_was_warm")
    play.tell(2.0, What.SOMETIMES, "me", "cache_was_cold")
    assert point.reached.at == 2.0


def test_many_runs_reach_a_point_together() -> None:
    coverage = Coverage.of(
        [[Reached("a", None), Reached("b", 1.0)], [Reached("a", 5.0), Reached("c", None)]]
    )
    assert coverage.reached == {"a": 5.0, "b": 1.0, "c": None}
    assert coverage.missed == ["c"]
    assert str(coverage) == "vacuous: never reached c"
    assert str(Coverage({"a": 1.0})) == "all 1 points were reached"
