"""Simulations in a user's tests: a failure tells its seed and the smallest schedule."""

import json

import pytest

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Every
from trio_lb.sim.checks import ErrorRate, Sometimes
from trio_lb.sim.faults.fluent import Latency, Partition, at
from trio_lb.sim.happening import What
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.testing import SimulationTester


def world(sim: Simulation) -> None:
    """Two servers, no retries, a client that gives up after a second."""
    sim.server("s1")
    sim.server("s2")
    sim.balancer({"retry": {"max_retries": 0}})
    sim.clients("web", OpenLoop(Every(0.1)), policy=ClientPolicy(timeout=1.0))
    sim.check(ErrorRate("<1%"))


def test_a_good_run_gives_its_result() -> None:
    tester = SimulationTester("calm", 4)
    sim = tester.simulation()
    world(sim)
    assert tester.run(sim, until=5).seed == 4


def test_a_run_that_proves_nothing_fails() -> None:
    tester = SimulationTester("vacuous", 4)
    sim = tester.simulation()
    world(sim)
    sim.check(Sometimes("a breaker opens", What.OPEN))
    with pytest.raises(AssertionError, match=r"never reached a breaker opens\n.*--lb-seed 4"):
        tester.run(sim, until=2)


def test_a_failing_schedule_is_shrunk_to_what_matters() -> None:
    def stormy(sim: Simulation) -> None:
        world(sim)
        sim.faults(
            at(1, Latency("lb", "s1", shift=0.01, for_="1s")),
            at(2, Partition("lb", "s2", for_="4s"), Partition("lb", "s1", for_="4s")),
            at(8, Latency("lb", "s2", shift=0.01, for_="1s")),
        )

    with pytest.raises(AssertionError) as caught:
        SimulationTester("storm").explore(stormy, until=10, settle=5, faults=False)
    first, count, *faults, last = str(caught.value).splitlines()
    assert first.startswith("simulation 'storm' fails with seed 0: ")
    assert count.startswith("with 1 of 4 faults, after ")
    assert json.loads(faults[0])["kind"] == "partition"
    assert last == "to see it again: --lb-seed 0"


def test_faults_are_drawn_from_each_seed_and_all_must_pass() -> None:
    seen: list[int] = []

    def counted(sim: Simulation) -> None:
        seen.append(sim.seed)
        sim.server("s1")
        sim.balancer()

    SimulationTester("quiet", 3).explore(counted, until=5, settle=1, seeds=2)
    assert seen == [3, 3, 4, 4]


def test_a_seed_asked_for_by_hand_is_the_only_one() -> None:
    seen: list[int] = []
    tester = SimulationTester("quiet", 3, only=True)
    tester.explore(lambda sim: seen.append(sim.seed), until=1, settle=0, faults=False)
    assert seen == [3]
