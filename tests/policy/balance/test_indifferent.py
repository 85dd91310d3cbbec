"""Most algorithms want no news of requests, and bear it all the same."""

from tests.policy.balance.pool import Member, picks, pool_of
from trio_lb.policy.balance.registry import ALGORITHMS, make_balancer


def test_who_wants_news_of_leases_says_so() -> None:
    tracking = [name for name in ALGORITHMS if make_balancer(name).tracks]
    assert tracking == [
        "least_connections",
        "least_response_time",
        "consistent_hash",
        "maglev",
        "rendezvous",
    ]


def test_who_wants_to_know_how_long_it_took_says_so() -> None:
    timing = [name for name in ALGORITHMS if make_balancer(name).times]
    assert timing == ["least_response_time", "peak_ewma"]


def test_news_that_nobody_asked_for_change_no_turn() -> None:
    balancer, pool = make_balancer("round_robin"), pool_of("ab")
    assert picks(balancer, pool, 1) == "a"
    balancer.leased(pool[0])
    balancer.released(Member("stranger"))
    balancer.timed(pool[1], 9.0, True, 1.0)
    assert picks(balancer, pool, 2) == "ba"
