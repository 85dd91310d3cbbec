"""Each step of a request's life is said in words, whatever its values are."""

import pytest

from tests.sim.report.fake_run import FakeRun
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report.words import BALANCER, CLIENT, SERVER, WORLD, describe, role_of


def said(what: What, *values: int | str) -> str:
    return describe(Happening(1.0, what, "x", 0, 1, values))


@pytest.mark.parametrize(
    ("what", "values", "words"),
    [
        (What.ARRIVE, ("GET",), "wants something (GET)"),
        (What.BEGIN, (0,), "service begins"),
        (What.BEGIN, (2_500_000,), "service begins after 2.5 ms in the queue"),
        (What.DONE, (1, 1, 12_000_000, ""), "got what it wanted after 12 ms, 1 try"),
        (What.DONE, (0, 3, 10**9, "timeout"), "gave up (timeout) after 1 s, 3 tries"),
        (What.FAIL, ("cut", 1_000, 1), "try failed: cut after 1 µs, in the middle of an answer"),
        (
            What.RETRY,
            ("s1", "api", 1, "reset", 25_000_000),
            "attempt 1 at s1 failed (reset); again in 25 ms",
        ),
        (
            What.ERROR,
            ("", "", 503, 0, 1_000_000, "no_server"),
            "ends in an error (503): no_server, 0 attempts in 1 ms",
        ),
        (
            What.RETRY,
            ("s1", "api", 2, "connect timed out", 0),
            "attempt 2 at s1 failed (connect timed out); again at once",
        ),
        (
            What.COMPLETE,
            ("s1", "api", 200, 1, 27_500_000),
            "relayed 200 from s1 in 27.5 ms, 1 attempt",
        ),
        (What.NEWS, ("Something",), "news Something"),
        (What.ANSWER, ("odd",), "answer odd"),
    ],
)
def test_a_step_in_words(what: What, values: tuple[int | str, ...], words: str) -> None:
    assert said(what, *values) == words


def test_whatever_a_run_tells_has_words_and_a_role() -> None:
    def check(happening: Happening) -> None:
        assert describe(happening)
        assert role_of(happening.what) in (CLIENT, BALANCER, SERVER, WORLD)

    FakeRun(check, rate=50).run(45.0)


def test_everything_that_can_happen_has_a_role() -> None:
    roles = {what: role_of(what) for what in What}
    assert roles[What.TRY] == CLIENT
    assert roles[What.TAKE] == SERVER
    assert roles[What.SELECT] == BALANCER
    assert roles[What.INJECT] == WORLD
