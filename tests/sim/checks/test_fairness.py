"""Whoever may serve serves its share."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.checks.support import SECOND, Play, servers, world
from trio_lb.sim.checks.fairness import Fair, jain
from trio_lb.sim.checks.world import pool_config
from trio_lb.sim.happening import What


def pick(play: Play, server: str, times: int) -> None:
    for _ in range(times):
        play.lb(play.now, What.SELECT, server, "default", 0)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=20))
def test_jains_index_lies_between_one_for_all_and_one_for_one(loads: list[float]) -> None:
    assert 1 / len(loads) - 1e-9 <= jain(loads) <= 1 + 1e-9
    assert jain([3.0] * len(loads)) == pytest.approx(1.0)


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


@pytest.mark.parametrize(("algorithm", "said"), [("least_connections", 0), ("round_robin", 1)])
def test_weights_count_where_the_algorithm_looks_at_them(algorithm: str, said: int) -> None:
    plan = (*servers(1), *servers(2, weight=3)[1:])
    play = Play(Fair(most=1.4), world(servers=plan, algorithm=algorithm))
    pick(play, "s1", 100)
    pick(play, "s2", 300)
    assert len(play.end()) == said
