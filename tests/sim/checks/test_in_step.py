"""A balancer and its clients agree where messages end."""

from tests.sim.checks.support import MS, Play
from trio_lb.sim.checks import InStep
from trio_lb.sim.happening import What


def test_a_proper_request_that_the_balancer_calls_malformed_is_a_violation() -> None:
    play = Play(InStep())
    play.tell(1.0, What.ANSWER, "web", 400, 2, MS, "", req=7)
    assert play.end() == ["a proper request was answered as a malformed one (400)"]


def test_what_a_server_says_and_other_errors_of_the_balancer_are_none() -> None:
    play = Play(InStep())
    play.tell(1.0, What.ANSWER, "web", 400, 2, MS, "s1", req=7)
    for status in (408, 431, 503):
        play.tell(2.0, What.ANSWER, "web", status, 2, MS, "", req=8)
    assert play.end() == []


def test_bytes_that_nobody_asked_for_are_a_violation() -> None:
    play = Play(InStep())
    play.tell(1.0, What.NOTE, "api", "bytes that were asked for", 17)
    play.tell(1.5, What.NOTE, "api")
    play.tell(2.0, What.NOTE, "web", "bytes that nobody asked for", 232, conn=3)
    assert play.end() == ["232 bytes came that nobody asked for"]
    assert play.instants == [2.0]
