"""Whatever begins ends exactly once."""

from tests.sim.checks.support import MS, SECOND, Play, world
from trio_lb.sim.checks.conservation import EveryArrivalIsDone, EveryStartEnds, EveryTryEnds
from trio_lb.sim.happening import What


def test_an_arrival_that_is_done_once_is_well() -> None:
    play = Play(EveryArrivalIsDone())
    play.tell(1.0, What.ARRIVE, "web", "GET", req=1)
    play.tell(2.0, What.DONE, "web", 1, 1, SECOND, "", req=1)
    assert play.end() == []


def test_an_arrival_that_is_never_done_is_named_by_its_own_instant() -> None:
    play = Play(EveryArrivalIsDone())
    play.tell(1.0, What.ARRIVE, "web", "GET", req=1)
    play.tell(5.0, What.ARRIVE, "web", "GET", req=2)
    play.tell(6.0, What.DONE, "web", 1, 1, SECOND, "", req=2)
    assert play.end() == ["it arrived, and was never done"]
    assert play.instants == [1.0]


def test_done_twice_and_arrived_twice_are_violations() -> None:
    play = Play(EveryArrivalIsDone())
    play.tell(1.0, What.ARRIVE, "web", "GET", req=1)
    play.tell(1.0, What.ARRIVE, "web", "GET", req=1)
    play.tell(2.0, What.DONE, "web", 1, 1, SECOND, "", req=1)
    play.tell(3.0, What.DONE, "web", 1, 1, SECOND, "", req=1)
    assert play.said == ["it arrived twice", "it was done twice, or never arrived"]


def test_each_try_has_one_end() -> None:
    play = Play(EveryTryEnds())
    play.tell(1.0, What.TRY, "web", 1, "GET", req=1)
    play.tell(2.0, What.FAIL, "web", "reset", SECOND, 0, req=1)
    play.tell(3.0, What.FAIL, "web", "refused", MS, 0, req=1)  # Never got a connection.
    play.tell(4.0, What.TRY, "web", 3, "GET", req=1)
    play.tell(5.0, What.ANSWER, "web", 200, 2, SECOND, "s1", req=1)
    assert play.end() == []


def test_an_answer_that_nobody_waits_for_is_a_violation() -> None:
    play = Play(EveryTryEnds())
    play.tell(1.0, What.TRY, "web", 1, "GET", req=1)
    play.tell(2.0, What.ANSWER, "web", 200, 2, SECOND, "s1", req=1)
    play.tell(2.5, What.ANSWER, "web", 500, 2, SECOND, "s1", req=1)
    assert play.said == ["an answer 500 came, and no try was waiting for it"]
    assert play.instants == [2.5]


def test_a_try_without_an_end_and_one_before_the_end_of_the_last_are_violations() -> None:
    play = Play(EveryTryEnds())
    play.tell(1.0, What.TRY, "web", 1, "GET", req=1)
    play.tell(2.0, What.TRY, "web", 2, "GET", req=1)
    assert play.end() == [
        "another try began before the last one had ended",
        "this try had neither an answer nor a failure",
    ]


def test_each_start_of_a_balancer_ends_once_however_many_share_a_number() -> None:
    play = Play(EveryStartEnds())
    play.lb(1.0, What.START, "a", req=1)
    play.lb(2.0, What.START, "b", req=1)
    play.lb(3.0, What.ERROR, "s1", "default", 0, 1, 2 * SECOND, "client_gone", req=1)
    play.lb(4.0, What.COMPLETE, "s1", "default", 200, 1, 2 * SECOND, req=1)
    play.lb(4.0, What.COMPLETE, "s1", "default", 200, 1, 2 * SECOND)  # Not a client of ours.
    assert play.end() == []


def test_a_start_with_two_ends_is_a_violation_and_one_with_none_too() -> None:
    play = Play(EveryStartEnds())
    play.lb(1.0, What.START, "a", req=1)
    play.lb(2.0, What.COMPLETE, "s1", "default", 200, 1, SECOND, req=1)
    play.lb(3.0, What.ERROR, "s1", "default", 0, 1, 2 * SECOND, "client_gone", req=1)
    play.lb(4.0, What.START, "b", req=2)
    assert play.end() == [
        "it ended here twice, or without a start",
        "it was started, and neither completed nor failed",
    ]
    assert play.instants == [3.0, 4.0]


def test_what_a_crash_takes_with_it_has_no_end_and_may_still_tell_one() -> None:
    small = world()
    play = Play(EveryStartEnds(), small)
    small.clock = play
    play.lb(1.0, What.START, "a", req=1)
    play.lb(1.0, What.START, "b", req=2)
    play.tell(2.0, What.INJECT, "host:lb", "crash", 1, "{}")
    play.lb(2.0, What.ERROR, "s1", "default", 0, 1, SECOND, "cut", req=1)
    assert play.end() == []
