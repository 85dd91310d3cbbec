"""Most algorithms want no news of requests, and bear it all the same."""

from tests.policy.balance.pool import Member, picks, pool_of
from trio_lb.policy.balance.registry import ALGORITHMS, make_balancer


def test_only_least_connections_tracks() -> None:
    assert [name for name in ALGORITHMS if make_balancer(name).tracks] == ["least_connections"]


def test_news_that_nobody_asked_for_change_no_turn() -> None:
    balancer, pool = make_balancer("round_robin"), pool_of("ab")
    assert picks(balancer, pool, 1) == "a"
    balancer.leased(pool[0])
    balancer.released(Member("stranger"))
    assert picks(balancer, pool, 2) == "ba"
