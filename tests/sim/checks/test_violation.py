"""A violation, a verdict and a crash each say in one line what there is to know."""

from tests.sim.checks.support import Play
from trio_lb.sim.checks.violation import MOST_KEPT, CheckCrashed, Verdict, Violation
from trio_lb.sim.happening import Happening, What


def test_a_violation_names_the_instant_the_check_the_entity_and_the_request() -> None:
    violation = Violation(1.5, "at_most_once", "taken twice", 17, 3, "s2")
    assert str(violation) == "1.500000 s at_most_once: s2, request 17: taken twice"
    assert str(Violation(2.0, "no_leaks", "1 left")) == "2.000000 s no_leaks: 1 left"
    assert str(Violation(2.0, "alone", "bad", 17)) == "2.000000 s alone: request 17: bad"


def test_a_verdict_tells_how_often_and_the_first() -> None:
    first = Violation(1.5, "a", "bad")
    assert str(Verdict("a", True, 0, None)) == "a: ok"
    assert str(Verdict("a", False, 3, first)) == f"a: violated 3 times, first {first}"


def test_a_crash_names_the_check_and_what_it_was_hearing() -> None:
    heard = Happening(0.25, What.DONE, "web", 0, 7, (1,))
    crash = CheckCrashed("mine", heard, KeyError("x"))
    assert str(crash) == (
        "the check 'mine' crashed at 0.250000 s done web 1: KeyError: 'x'; it says nothing of this run"
    )
    assert "at the end of the run" in str(CheckCrashed("mine", None, KeyError("x")))


def test_only_so_many_violations_are_kept_and_all_are_counted() -> None:
    play = Play(lambda happening: "bad")
    for _ in range(MOST_KEPT + 50):
        play.tell(0.0, What.NOTE, "me")
    (check,) = play.board.checks
    assert (len(check.violations), check.verdict().violations) == (MOST_KEPT, MOST_KEPT + 50)
