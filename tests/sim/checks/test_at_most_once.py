"""A POST reaches servers no oftener than its client sent it."""

import pytest

from tests.sim.checks.support import Play
from trio_lb.sim.checks.at_most_once import AtMostOnce
from trio_lb.sim.happening import What


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_balancer_that_repeats_it_is_named_by_the_second_taker(method: str) -> None:
    play = Play(AtMostOnce())
    play.tell(1.0, What.TRY, "web", 1, method, req=1)
    play.tell(1.1, What.TAKE, "s1", method, 0, 0, req=1)
    play.tell(1.2, What.TAKE, "s2", method, 0, 0, req=1)
    assert play.end() == [f"a {method} that its client sent 1x was taken 2x: s1, s2"]
    assert play.instants == [1.2]


def test_a_client_may_repeat_its_own_and_late_heads_count_for_their_tries() -> None:
    play = Play(AtMostOnce())
    play.tell(1.0, What.TRY, "web", 1, "POST", req=1)
    play.tell(2.0, What.TRY, "web", 2, "POST", req=1)
    play.tell(2.1, What.TAKE, "s1", "POST", 0, 0, req=1)
    play.tell(2.2, What.TAKE, "s2", "POST", 0, 0, req=1)
    assert play.end() == []


def test_what_is_idempotent_may_be_repeated() -> None:
    play = Play(AtMostOnce())
    play.tell(1.0, What.TRY, "web", 1, "GET", req=1)
    for server in ("s1", "s2", "s3"):
        play.tell(1.1, What.TAKE, server, "GET", 0, 0, req=1)
    assert play.end() == []
