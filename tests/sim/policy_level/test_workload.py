"""Workloads: drawn once, the same from the same seed, each kind of draw from its own stream."""

from trio_lb.policy.balance.base import Context
from trio_lb.sim.arrivals import Every, Poisson
from trio_lb.sim.distributions import Exponential, Fixed, Zipf
from trio_lb.sim.policy_level.workload import Workload, draw_workload


def test_it_holds_what_comes_until_its_end() -> None:
    drawn = draw_workload(Every(0.25), Fixed(0.01), until=1.0, seed=1)
    assert list(drawn.instants) == [0.25, 0.5, 0.75, 1.0]
    assert list(drawn) == [(at, 0.01, Context("client")) for at in drawn.instants]
    assert (len(drawn), drawn.until, drawn.work_seconds) == (4, 1.0, 0.04)


def test_a_number_of_requests_ends_it_at_the_last_one() -> None:
    drawn = draw_workload(Every(0.25), Fixed(0.01), until=9.0, seed=1, most=3)
    assert (len(drawn), drawn.until) == (3, 0.75)
    assert draw_workload(Every(0.25), Fixed(0.01), until=1.0, seed=1, most=9).until == 1.0
    assert len(draw_workload(Every(0.25), Fixed(0.01), until=1.0, seed=1, most=0)) == 0


def test_keys_are_what_hashing_algorithms_look_at() -> None:
    drawn = draw_workload(Poisson(100), Fixed(0.01), until=10.0, seed=3, keys=Zipf(4, 1.0))
    clients = [context.client for _, _, context in drawn]
    counts = [clients.count(f"client-{key}") for key in range(4)]
    assert sum(counts) == len(drawn)
    assert counts == sorted(counts, reverse=True)
    assert {context.key for _, _, context in drawn} == {f"key-{key}" for key in range(4)}


def test_the_same_seed_draws_the_same_and_another_work_moves_no_arrival() -> None:
    def drawn(seed: int, mean: float = 0.01) -> Workload:
        return draw_workload(Poisson(50), Exponential(mean), until=10.0, seed=seed)

    assert list(drawn(1)) == list(drawn(1))
    assert list(drawn(1).instants) != list(drawn(2).instants)
    assert list(drawn(1).instants) == list(drawn(1, 0.02).instants)
    assert [2 * work for work in drawn(1).works] == list(drawn(1, 0.02).works)
