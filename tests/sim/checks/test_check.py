"""The root of checks keeps violations, and takes the world once."""

from tests.sim.checks.support import Play, world
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.violation import Verdict, Violation
from trio_lb.sim.happening import Happening, What


def test_a_check_without_ears_hears_nothing_and_is_content() -> None:
    check = Check()
    small = world()
    check.begin(small)
    check.quiet(small)
    check.finish(small)
    assert check.ears == {}
    assert check.world is small
    assert check.verdict() == Verdict("check", True, 0, None)


def test_the_first_violation_is_told_at_once_and_no_other() -> None:
    check = Check()
    told: list[Violation] = []
    check.on_first = told.append
    check.object(Happening(1.0, What.DONE, "web", 3, 7), "first")
    assert told == check.violations
    check.object(Happening(2.0, What.DONE, "web", 3, 8), "second")
    assert told == check.violations[:1]


def test_an_objection_carries_what_the_happening_says() -> None:
    check = Check()
    check.object(Happening(1.0, What.DONE, "web", 3, 7), "first")
    check.object_at(2.0, "second", entity="lb", req=8)
    first = Violation(1.0, "check", "first", 7, 3, "web")
    assert check.violations == [first, Violation(2.0, "check", "second", 8, 0, "lb")]
    assert check.verdict() == Verdict("check", False, 2, first)


def test_a_check_remembers_when_it_objected_first_whatever_the_violation_is_about() -> None:
    check = Check()
    play = Play(check)
    assert check.verdict().objected_at is None
    play.now = 9.0
    check.object_at(2.0, "long ago")
    play.now = 10.0
    check.object_at(10.0, "again")
    assert check.verdict().objected_at == 9.0
