"""Simulations in a user's tests: a failure tells its seed and the smallest schedule."""

import itertools
import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Every
from trio_lb.sim.checks import ErrorRate, Sometimes, checks
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Crash, Latency, Partition, at
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.search.replay import tell_run
from trio_lb.sim.search.shrink import Budget
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.testing import SimulationTester

LINK = Target(Sort.LINK, ("lb", "s1"))


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
    with pytest.raises(
        AssertionError, match=r"never reached a breaker opens\n.*\('vacuous', 4, only=True\)"
    ):
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
        SimulationTester("test_storm").explore(stormy, until=10, settle=5, faults=False)
    first, count, fault, found, again, keep = str(caught.value).splitlines()[:6]
    assert first.startswith("simulation 'test_storm' fails with seed 0: ")
    assert count.startswith("with 1 of 4 faults, after ")
    assert re.fullmatch(r'  during\([\d., ]+, Partition\("lb", "s[12]", way="both"\)\)', fault)
    assert found.startswith("then: ")
    assert again == "to see it again: SimulationTester('test_storm', 0, only=True)"
    assert keep == "to keep it, put this beside the world:"
    kept = str(caught.value).partition(keep)[2]
    told: dict[str, Any] = {"stormy": stormy}
    exec(textwrap.dedent(kept), told)
    with pytest.raises(AssertionError, match=r"simulation 'kept', seed 0, .*\n.*error_rate: web"):
        told["test_storm_with_seed_0"](SimulationTester("kept"))


def test_a_program_that_raises_is_a_failure_too_and_is_its_cause() -> None:
    dies = Crash("host:lb", fin=True, for_="2.5s")  # Its kernel refuses who dials.

    def fragile(sim: Simulation) -> None:
        async def dial(env: SimEnv) -> None:
            while True:
                await trio.sleep(1.0)
                await (await trio.open_tcp_stream("lb", 80)).aclose()

        world(sim)
        sim.host("cron", dial)
        sim.faults(at(3, Latency("lb", "s1", for_="1s")), at(5, dies))

    with pytest.raises(AssertionError) as caught:
        SimulationTester("fragile").explore(fragile, until=10, settle=0, faults=False)
    told = str(caught.value)
    assert "fails with seed 0: OSError: all attempts to connect to lb:80 failed\n" in told
    assert "with 1 of 2 faults" in told
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.__notes__ == [
        "in simulation 'fragile' with seed 0, at 5.005000000 s"
    ]


def test_what_does_not_fail_again_is_said_to_be_so() -> None:
    runs = itertools.count()

    def moody(sim: Simulation) -> None:
        number = next(runs)
        world(sim)
        sim.check(checks(What.DONE)(lambda h: "a bad day" if number == 0 else None))

    with pytest.raises(AssertionError, match=r"a bad day\nand a second time, .* it does not:"):
        SimulationTester("moody").explore(moody, until=5, settle=0, faults=False)


def test_many_faults_are_told_as_data_and_kept_so() -> None:
    def strict(sim: Simulation) -> None:
        """Objects when the last of all faults comes, and only if all have come before it."""
        seen: list[Happening] = []

        def all_have_come(h: Happening) -> str | None:
            seen.append(h)
            return "too much" if len(seen) == 20 else None

        sim.server("s1")
        sim.balancer()
        sim.faults(*(at(n / 4, Latency("lb", "s1", shift=0.001, for_="1s")) for n in range(1, 21)))
        sim.check(checks(What.INJECT)(all_have_come))

    tester = SimulationTester("many", shrinking=Budget(runs=2))
    with pytest.raises(AssertionError) as caught:
        tester.explore(strict, until=6, settle=0, faults=False)
    lines = str(caught.value).splitlines()
    assert [json.loads(line)["kind"] for line in lines[2:22]] == ["latency"] * 20
    kept = str(caught.value).partition("beside the world:\n")[2]
    assert kept.splitlines()[0] == "  import json"
    told: dict[str, Any] = {"strict": strict}
    exec(textwrap.dedent(kept), told)
    with pytest.raises(AssertionError, match="too much"):
        told["many_with_seed_0"](SimulationTester("kept"))


def test_each_point_must_be_reached_with_one_seed_at_least() -> None:
    def rarely(sim: Simulation) -> None:
        world(sim)
        seed = sim.seed
        sim.check(
            Sometimes("seed 1", What.DONE, when=lambda h: seed == 1),
            Sometimes("seed 9", What.DONE, when=lambda h: seed == 9),
        )

    tester = SimulationTester("points")
    with pytest.raises(AssertionError) as caught:
        tester.explore(rarely, until=2, settle=0, seeds=3, faults=False)
    assert str(caught.value) == "simulation 'points', 3 seeds: vacuous: never reached seed 9"
    SimulationTester("points", 4, only=True).explore(rarely, until=2, settle=0, faults=False)


def test_a_replay_has_the_faults_that_are_given_and_no_others() -> None:
    def stormy(sim: Simulation) -> None:
        world(sim)
        sim.faults(at(1, Partition("lb", "s1", for_="8s"), Partition("lb", "s2", for_="8s")))

    tester = SimulationTester("again", 5)
    given = [at(1, Latency("lb", "s1", for_="1s")), Fault(2.0, "jitter", LINK).to_data()]
    result = tester.replay(stormy, *given, until=5, settle=0)
    assert [fault.kind for fault in result.faults] == ["latency", "jitter"]
    assert (result.seed, tester.replay(world, seed=2, until=2).seed) == (5, 2)
    by_hand = SimulationTester("again", 5, only=True)
    assert by_hand.replay(world, seed=2, until=2).seed == 5, "asked for by hand"


def test_what_fails_leaves_its_report_and_its_trace(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    tester = SimulationTester("test_cut[1/2]", report=folder, node="t.py::test_cut[1/2]")
    cut = at(1, Partition("lb", "s1", for_="3s"), Partition("lb", "s2", for_="3s"))
    tester.replay(world, until=3)
    assert [*folder.iterdir()] == []
    with pytest.raises(AssertionError) as caught:
        tester.replay(world, cut, until=5, settle=0)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("test_cut-1-2-seed0.html", "test_cut-1-2-seed0.jsonl"),
    ]
    assert str(caught.value).splitlines()[-2:] == [
        "to see it again: pytest 't.py::test_cut[1/2]' --lb-seed 0",
        f"to look at it: {folder / 'test_cut-1-2-seed0.html'}",
    ]
    assert any("fault 0 begins" in line for line in tell_run(folder / "test_cut-1-2-seed0.jsonl"))


def test_an_explored_failure_leaves_the_smallest_run(tmp_path: Path) -> None:
    tester = SimulationTester("cut", 1, report=tmp_path)
    with pytest.raises(AssertionError) as caught:
        tester.explore(world, until=10, settle=0, kinds=["partition"], harsh=True)
    told = str(caught.value)
    (trace,) = tmp_path.glob("cut-seed*.jsonl")
    begun = [line for line in tell_run(trace) if " begins: partition" in line]
    assert f"with {len(begun)} of " in told
    assert f"to look at it: {trace.with_suffix('.html')}" in told


INSIDE: dict[str, Callable[[SimulationTester], object]] = {
    "simulation": lambda tester: tester.simulation(),
    "replay": lambda tester: tester.replay(world, until=1),
    "explore": lambda tester: tester.explore(world, until=1),
}


@pytest.mark.parametrize("use", INSIDE)
async def test_inside_of_trio_there_is_no_other_trio(use: str) -> None:
    with pytest.raises(RuntimeError, match="let the test be a plain function, no async def"):
        INSIDE[use](SimulationTester("async"))


def test_its_field_is_what_strategies_ask_for() -> None:
    field = SimulationTester("field").field(world)
    assert [str(each) for each in field.targets(KINDS["partition"])] == [
        *("link:lb~s1", "link:lb~s2"),
    ]


def test_faults_are_drawn_from_each_seed_and_all_must_pass() -> None:
    seen: list[int] = []

    def counted(sim: Simulation) -> None:
        seen.append(sim.seed)
        sim.server("s1")
        sim.balancer()
        sim.clients("web", OpenLoop(Every(0.5)))

    SimulationTester("quiet", 3).explore(counted, until=5, settle=1, seeds=2)
    assert seen == [3, 3, 4, 4]


def test_not_one_fault_in_all_seeds_proves_nothing() -> None:
    def alone(sim: Simulation) -> None:
        sim.server("s1")
        sim.balancer()
        sim.clients("web", OpenLoop(Every(0.5)))

    tester = SimulationTester("alone")
    with pytest.raises(AssertionError, match=r"2 seeds: not one fault was drawn.*harsh=True"):
        tester.explore(alone, until=2, settle=0, seeds=2, kinds=["partition"])
    tester.explore(alone, until=2, settle=0, seeds=3, kinds=["partition"], harsh=True)


def test_a_seed_asked_for_by_hand_is_the_only_one() -> None:
    seen: list[int] = []
    tester = SimulationTester("quiet", 3, only=True)

    def counted(sim: Simulation) -> None:
        seen.append(sim.seed)
        world(sim)

    tester.explore(counted, until=1, settle=0, faults=False)
    assert seen == [3]


def test_a_world_in_which_nobody_asks_proves_nothing() -> None:
    def deserted(sim: Simulation) -> None:
        sim.server("s1")
        sim.balancer()

    tester = SimulationTester("deserted")
    told = "vacuous: the world has no clients and no programs, so nobody asked anything; "
    with pytest.raises(AssertionError, match=f"'deserted', 2 seeds: {told}"):
        tester.explore(deserted, until=1, settle=0, seeds=2, faults=False)
    with pytest.raises(AssertionError, match=f"'deserted', seed 0: {told}"):
        tester.replay(deserted, until=1, covered=False)
    with pytest.raises(AssertionError, match=f"'deserted', seed 0: {told}"):
        tester.run(tester.simulation(), until=1)


def test_clients_who_ask_for_nothing_in_time_prove_nothing() -> None:
    def late(sim: Simulation) -> None:
        sim.server("s1")
        sim.balancer()
        sim.clients("web", OpenLoop(Every(9.0)))

    tester = SimulationTester("late")
    with pytest.raises(AssertionError, match="2 seeds: vacuous: nobody asked anything"):
        tester.explore(late, until=1, settle=0, seeds=2, faults=False)
    with pytest.raises(AssertionError, match="vacuous: nobody asked anything"):
        tester.replay(late, until=1, settle=0)


def test_a_replay_must_reach_its_points_unless_it_is_one_of_many() -> None:
    def pointed(sim: Simulation) -> None:
        world(sim)
        sim.check(Sometimes("a breaker opens", What.OPEN))

    tester = SimulationTester("pointed")
    with pytest.raises(AssertionError, match="vacuous: never reached a breaker opens"):
        tester.replay(pointed, until=2)
    assert tester.replay(pointed, until=2, covered=False).is_vacuous


def test_a_kept_failure_asks_for_no_points() -> None:
    def pointed(sim: Simulation) -> None:
        world(sim)
        sim.check(Sometimes("a breaker opens", What.OPEN))
        sim.check(checks(What.DONE)(lambda h: "a bad day"))

    with pytest.raises(AssertionError, match=r"lb_sim\.replay\(pointed, .*covered=False\)"):
        SimulationTester("pointed").explore(pointed, until=2, settle=0, faults=False)


def test_a_world_of_another_name_is_not_called_by_the_name_of_a_third() -> None:
    def spoilt(sim: Simulation) -> None:
        world(sim)
        sim.check(checks(What.DONE)(lambda h: "a bad day"))

    class Shop:
        def world(self, sim: Simulation) -> None:
            spoilt(sim)

    told = {}
    for name, each in {"lambda": lambda sim: spoilt(sim), "method": Shop().world}.items():
        with pytest.raises(AssertionError) as caught:
            SimulationTester("named").explore(each, until=2, settle=0, faults=False)
        told[name] = str(caught.value)
        assert "lb_sim.replay(the_world, " in told[name]
    put = "to keep it, put this where the_world is what it was here, "
    assert re.search(rf"{put}the lambda in test_testing\.py, line \d+:", told["lambda"])
    assert f"{put}{Shop.world.__qualname__}:" in told["method"]


def test_a_program_that_raises_leaves_a_trace_to_look_at_and_no_page(tmp_path: Path) -> None:
    def broken(sim: Simulation) -> None:
        async def fall(env: SimEnv) -> None:
            await trio.sleep(1.0)
            raise KeyError("stock")

        world(sim)
        sim.host("api", fall)

    tester = SimulationTester("broken", report=tmp_path)
    stale = tmp_path / "broken-seed0.html"
    stale.write_text("of another run")
    with pytest.raises(AssertionError) as caught:
        tester.explore(broken, until=2, settle=0, faults=False)
    trace = tmp_path / "broken-seed0.jsonl"
    assert [*tmp_path.iterdir()] == [trace]
    assert f"to look at it: trio-lb replay {trace} --as-written\n" in str(caught.value)
    assert tell_run(trace)


def test_what_is_wrong_with_a_configuration_is_said_below_lines_of_the_test_only() -> None:
    def misnamed(sim: Simulation) -> None:
        world(sim)
        sim.balancer({"algorithm": "by_dice", "servers": ["s1:80"]}, name="other")

    def unknown(sim: Simulation) -> None:
        world(sim)
        sim.faults(Fault.from_data({"at": 1, "kind": "partitoin", "target": "link:lb~s1"}))

    for each in (misnamed, unknown):
        for use in (SimulationTester("x").replay, SimulationTester("x").explore):
            with pytest.raises(ConfigError) as caught:
                use(each, until=1)
            shown = [entry for entry in caught.traceback if not entry.ishidden(caught)]
            assert {Path(entry.path).name for entry in shown} == {"test_testing.py"}
