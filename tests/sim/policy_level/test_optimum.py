"""The optimum: each request goes to the place that finishes it first."""

from tests.sim.policy_level.support import workload
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Exponential
from trio_lb.sim.policy_level.optimum import optimum
from trio_lb.sim.policy_level.policy_run import PolicyRun
from trio_lb.sim.policy_level.settings import ServerModel, fleet
from trio_lb.sim.policy_level.workload import draw_workload


def test_it_knows_who_is_free_first() -> None:
    result = optimum(workload((1.0, 9.0), (1.0, 1.0), (1.5, 1.0)), fleet(2))
    assert sorted(result.good_at) == [2.0, 3.0, 10.0]
    assert [(each.attempts, each.busy_seconds) for each in result.servers] == [(1, 9.0), (2, 2.0)]


def test_it_uses_a_slow_server_only_where_waiting_for_a_fast_one_takes_longer() -> None:
    servers = [ServerModel("slow", slow_factor=3.0), ServerModel("fast")]
    result = optimum(workload(*((1.0, 1.0) for _ in range(4))), servers)
    assert sorted(result.good_at) == [2.0, 3.0, 4.0, 4.0]
    assert [each.attempts for each in result.servers] == [1, 3]


def test_all_places_of_a_server_count() -> None:
    result = optimum(workload(*((1.0, 1.0) for _ in range(3))), fleet(1, concurrency=3))
    assert list(result.good_at) == [2.0, 2.0, 2.0]


def test_no_algorithm_comes_nearer_than_that_among_equal_servers() -> None:
    requests = draw_workload(Poisson(400), Exponential(0.01), until=15.0, seed=4)
    best = optimum(requests, fleet(5)).mean_seconds
    names = ("round_robin", "random", "least_connections", "power_of_two", "peak_ewma")
    ratios = {
        name: PolicyRun(name, servers=fleet(5), workload=requests, seed=4).run().mean_seconds / best
        for name in names
    }
    assert all(ratio > 1.0 for ratio in ratios.values())
    assert min(ratios, key=lambda name: ratios[name]) == "least_connections"
    assert max(ratios, key=lambda name: ratios[name]) == "random"
