"""Answers come whole, right and to whoever asked, or visibly cut."""

import pytest

from tests.sim.checks.support import MS, Play
from trio_lb.sim.checks.answers import BytesExact, CompleteIsWhole, NoCrosstalk
from trio_lb.sim.happening import What


def test_an_answer_to_another_request_is_a_violation() -> None:
    play = Play(NoCrosstalk())
    play.tell(1.0, What.FAIL, "web", "reset", MS, 0, req=1)
    play.tell(2.0, What.FAIL, "web", "alien", MS, 1, req=2)
    assert play.end() == ["the answer belongs to another request"]
    assert play.instants == [2.0]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("altered", ["bytes of the answer differ from what the server sent"]),
        ("garbled", ["what came is no HTTP"]),
        ("cut", []),
        ("reset", []),
    ],
)
def test_bytes_may_be_cut_but_not_changed(reason: str, said: list[str]) -> None:
    play = Play(BytesExact())
    play.tell(1.0, What.FAIL, "web", reason, MS, 1, req=1)
    assert play.end() == said


def test_a_client_gets_as_many_bytes_as_that_server_sent() -> None:
    play = Play(BytesExact())
    play.tell(1.0, What.REPLY, "s1", 200, 50, MS, req=1)  # Nobody came for it.
    play.tell(1.0, What.REPLY, "s2", 200, 70, MS, req=1)
    play.tell(2.0, What.ANSWER, "web", 200, 70, MS, "s2", req=1)
    play.tell(3.0, What.ANSWER, "web", 503, 9, MS, "", req=2)  # The balancer's own.
    assert play.end() == []


def test_what_an_earlier_try_was_sent_is_not_what_this_one_lacks() -> None:
    play = Play(BytesExact())
    play.tell(1.0, What.TAKE, "s1", "GET", 0, 0, req=1)
    play.tell(1.1, What.REPLY, "s1", 200, 2, MS, req=1)  # Its client had left by a reset.
    play.tell(2.0, What.TAKE, "s1", "GET", 0, 0, req=1)
    play.tell(2.1, What.DROP, "s1", "fault", req=1)
    play.tell(2.2, What.ANSWER, "web", 200, 0, MS, "s1", req=1)
    assert play.end() == []


def test_what_an_earlier_try_is_sent_late_is_not_what_this_one_lacks_either() -> None:
    play = Play(BytesExact())
    play.tell(1.0, What.TAKE, "s1", "GET", 0, 0, req=1, conn=20)
    play.tell(2.0, What.TAKE, "s1", "GET", 0, 0, req=1, conn=52)
    play.tell(2.1, What.REPLY, "s1", 200, 2, MS, req=1, conn=20)
    play.tell(2.1, What.DROP, "s1", "fault", req=1, conn=52)
    play.tell(2.2, What.ANSWER, "web", 200, 0, MS, "s1", req=1)
    assert play.end() == []


def test_fewer_bytes_that_pass_for_a_whole_answer_are_a_violation() -> None:
    play = Play(BytesExact())
    play.tell(1.0, What.REPLY, "s1", 200, 100, MS, req=1)
    play.tell(2.0, What.ANSWER, "web", 200, 60, MS, "s1", req=1)
    assert play.end() == ["60 bytes came of the 100 that s1 sent"]


def test_complete_at_the_balancer_and_cut_at_the_client_is_a_violation() -> None:
    play = Play(CompleteIsWhole())
    play.lb(1.0, What.COMPLETE, "s1", "default", 200, 1, MS, req=1)
    play.tell(1.1, What.FAIL, "web", "cut", 100 * MS, 1, req=1)
    assert play.end() == ["lb told it as complete, its client saw it cut"]


def test_a_cut_that_a_fault_explains_or_that_is_another_trys_is_none() -> None:
    play = Play(CompleteIsWhole())
    play.lb(1.0, What.COMPLETE, "s1", "default", 200, 1, MS, req=1)
    play.tell(1.05, What.INJECT, "web", "reset", 1, "{}")
    play.tell(1.1, What.FAIL, "web", "cut", 100 * MS, 1, req=1)
    play.lb(2.0, What.COMPLETE, "s1", "default", 503, 1, MS, req=2)
    play.tell(2.1, What.ANSWER, "web", 503, 9, MS, "", req=2)
    play.tell(2.2, What.FAIL, "web", "cut", 10 * MS, 1, req=2)
    play.lb(2.3, What.COMPLETE, "s1", "default", 503, 1, MS, req=4)
    play.tell(2.4, What.FAIL, "web", "cut", 10 * MS, 1, req=4)
    play.lb(3.0, What.COMPLETE, "s1", "default", 200, 1, MS, req=3)
    play.tell(3.1, What.FAIL, "web", "timeout", 10 * MS, 1, req=3)
    assert play.end() == []


@pytest.mark.parametrize("reason", ["cut", "crash"])
def test_an_answer_that_broke_off_and_passes_for_whole_is_a_violation(reason: str) -> None:
    play = Play(BytesExact())
    play.tell(1.0, What.TAKE, "s1", "GET", 0, 0, req=1)
    play.tell(1.5, What.DROP, "s1", reason, req=1)
    play.tell(2.0, What.ANSWER, "web", 200, 60, MS, "s1", req=1)
    assert play.end() == ["60 bytes passed for whole, where s1 was cut off"]


def test_after_a_break_another_try_may_be_answered_whole() -> None:
    play = Play(BytesExact())
    play.tell(1.0, What.DROP, "s1", "cut", req=1)
    play.tell(2.0, What.TAKE, "s1", "GET", 0, 0, req=1)
    play.tell(2.5, What.REPLY, "s1", 200, 60, MS, req=1)
    play.tell(3.0, What.ANSWER, "web", 200, 60, MS, "s1", req=1)
    play.tell(4.0, What.DROP, "s2", "fault", req=2)
    play.tell(5.0, What.ANSWER, "web", 200, 60, MS, "s2", req=2)  # Wrong, and not to be seen.
    assert play.end() == []


def test_bytes_that_a_fault_let_the_server_send_are_not_the_balancers() -> None:
    play = Play(BytesExact())
    play.tell(1.0, What.DROP, "s1", "fault", req=7)
    play.tell(1.0, What.FAIL, "web", "altered", 1, 1, req=7)
    assert play.said == []
    play.tell(2.0, What.DROP, "s1", "gone", req=8)
    play.tell(2.0, What.FAIL, "web", "altered", 1, 1, req=8)
    assert play.end() == ["bytes of the answer differ from what the server sent"]
