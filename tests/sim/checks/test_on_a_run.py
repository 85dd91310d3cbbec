"""On a run of the whole: the standard checks hold for the product, and change nothing."""

from collections.abc import Sequence

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import Verdict, standard_checks
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.simulation import Simulation


def test_a_simulation_is_a_world_to_look_at() -> None:
    sim: World = Simulation()
    assert sim.clock.current_time() == 0.0


def played(*, checked: bool) -> tuple[str, Sequence[Verdict]]:
    sim = Simulation(seed=7)
    for name in ("s1", "s2", "s3"):
        sim.server(name, service=Lognormal(p50=0.012, p99=0.08))
    sim.balancer({"algorithm": "least_connections", "circuit_breaker": {"failure_threshold": 5}})
    policy = ClientPolicy(timeout=1.0, retries=2, posts=0.2)
    sim.clients("web", OpenLoop(Poisson(50)), policy=policy)
    if checked:
        sim.check(*standard_checks())
    result = sim.run(until=10)
    return result.trace_hash, result.verdicts


def test_a_run_with_checks_is_the_run_without_and_all_hold() -> None:
    (checked_hash, verdicts), (plain_hash, _) = played(checked=True), played(checked=False)
    assert checked_hash == plain_hash
    assert {each.name for each in verdicts} >= {check.name for check in standard_checks()}
    assert [str(each) for each in verdicts if not each.ok] == []
