"""Whoever may serve serves its share."""

from typing import Any, Final

import attrs
import pytest

from tests.sim.checks.support import SECOND, Play, servers, world
from trio_lb.policy.balance.registry import ALGORITHMS
from trio_lb.sim.checks.fairness import Fair
from trio_lb.sim.checks.world import pool_config
from trio_lb.sim.happening import What

EVEN: Final = ("round_robin", "weighted_round_robin", "random", "weighted_random")


def pick(play: Play, server: str, times: int) -> None:
    for _ in range(times):
        play.lb(play.now, What.SELECT, server, "default", 0)


def test_even_loads_are_fair() -> None:
    play = Play(Fair(), world(servers=servers(2)))
    pick(play, "s1", 100)
    pick(play, "s2", 120)
    assert play.end() == []


def test_who_has_too_much_is_named_and_who_was_never_picked_counts() -> None:
    play = Play(Fair(), world(servers=servers(3)))
    pick(play, "s1", 100)
    pick(play, "s2", 100)
    assert play.end() == ["Jain's index of default is 0.667, at least 0.9 is asked for"]
    pick(play, "s2", 200)
    assert play.end()[1:] == ["s2 of default has 2.25 times the mean load, allowed is 1.5"]


def test_few_picks_prove_nothing() -> None:
    play = Play(Fair(), world(servers=servers(2)))
    pick(play, "s1", 99)
    assert play.end() == []


def test_picks_while_somebody_is_out_do_not_count() -> None:
    play = Play(Fair(), world(servers=servers(2)))
    pick(play, "s1", 100)
    pick(play, "s2", 100)
    play.lb(1.0, What.EJECT, "s2", "default", "x", SECOND)
    pick(play, "s1", 10_000)
    play.lb(2.0, What.READMIT, "s2", "default")
    pick(play, "s2", 10)
    assert play.end() == []


def test_with_other_servers_the_shares_are_others() -> None:
    small = world(servers=servers(3))
    play = Play(Fair(), small)
    for name in ("s1", "s2", "s3"):
        pick(play, name, 60)
    others = attrs.evolve(pool_config(small, "lb", "default"), servers=servers(1))
    lb = small.balancers["lb"].lb
    assert lb is not None
    lb.config.pools["default"] = others  # type: ignore[index]  # It is a small one.
    pick(play, "s1", 1000)
    assert play.end() == []


@pytest.mark.parametrize(("algorithm", "said"), [("weighted_random", 0), ("round_robin", 1)])
def test_weights_count_where_the_algorithm_looks_at_them(algorithm: str, said: int) -> None:
    plan = (*servers(1), *servers(2, weight=3)[1:])
    play = Play(Fair(most=1.4), world(servers=plan, algorithm=algorithm))
    pick(play, "s1", 100)
    pick(play, "s2", 300)
    assert len(play.end()) == said


@pytest.mark.parametrize(
    "more", [{"backup": True}, {"priority": 1}, {"disabled": True}, {"backup": True, "priority": 2}]
)
def test_only_the_first_tier_is_judged(more: dict[str, Any]) -> None:
    play = Play(Fair(), world(servers=(*servers(2), *servers(4, **more)[2:])))
    pick(play, "s1", 300)
    pick(play, "s2", 300)
    assert play.end() == []


def test_a_first_tier_that_is_uneven_is_named_beside_backups() -> None:
    play = Play(Fair(), world(servers=(*servers(2), *servers(3, backup=True)[2:])))
    pick(play, "s1", 100)
    pick(play, "s2", 400)
    pick(play, "s3", 400)
    assert play.end() == ["s2 of default has 1.60 times the mean load, allowed is 1.5"]


def test_a_backup_that_is_out_does_not_keep_the_first_tier_from_being_judged() -> None:
    play = Play(Fair(), world(servers=(*servers(2), *servers(3, backup=True)[2:])))
    play.lb(1.0, What.HEALTH, "s3", "default", 0, "x")
    pick(play, "s1", 200)
    assert len(play.end()) == 1


def test_backups_are_judged_among_themselves_where_there_is_nobody_else() -> None:
    play = Play(Fair(), world(servers=servers(2, backup=True)))
    pick(play, "s1", 200)
    assert len(play.end()) == 1


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name not in EVEN])
def test_who_hashes_or_goes_by_load_is_not_judged(algorithm: str) -> None:
    play = Play(Fair(), world(servers=servers(2), algorithm=algorithm))
    pick(play, "s1", 1000)
    assert play.end() == []


@pytest.mark.parametrize("algorithm", EVEN)
def test_who_gives_out_picks_by_weight_is_judged(algorithm: str) -> None:
    play = Play(Fair(), world(servers=servers(2), algorithm=algorithm))
    pick(play, "s1", 1000)
    assert len(play.end()) == 1


def test_a_server_that_is_due_few_picks_may_have_some_more_by_chance() -> None:
    plan = (*servers(1), *servers(2, weight=100)[1:])
    play = Play(Fair(), world(servers=plan, algorithm="weighted_random"))
    pick(play, "s1", 8)
    pick(play, "s2", 300)
    assert play.end() == []


def test_a_time_in_which_somebody_was_full_is_not_judged() -> None:
    play = Play(Fair(), world(servers=servers(2, max_connections=4)))
    pick(play, "s1", 10)
    play.lb(play.now, What.SELECT, "s1", "default", 3)
    pick(play, "s2", 1000)
    assert play.end() == []


def test_where_many_are_tried_again_shares_prove_nothing() -> None:
    play = Play(Fair(), world(servers=servers(2)))
    pick(play, "s1", 100)
    pick(play, "s2", 1000)
    for _ in range(111):
        play.lb(play.now, What.RETRY, "s1", "default", 1, "refused", 0)
    assert play.end() == []


def test_who_starts_slowly_gets_less() -> None:
    play = Play(Fair(), world(servers=servers(2), slow_start=10.0))
    play.lb(1.0, What.READMIT, "s2", "default")
    pick(play, "s1", 1000)
    play.now = 11.0
    pick(play, "s1", 50)
    pick(play, "s2", 50)
    assert play.end() == []
