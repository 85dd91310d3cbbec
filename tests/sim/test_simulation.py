"""A simulated world: who takes part, and that it is the same world each time."""

from collections.abc import Callable

import pytest
import trio

from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.client import ClosedLoop, OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.websocket import WebSocketPolicy
from trio_lb.sim.arrivals import Every, Poisson
from trio_lb.sim.distributions import Exponential, Fixed
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Latency, Partition, at, schedule
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.simulation import Simulation


def world(seed: int = 1) -> Simulation:
    """Return three servers, a balancer and a crowd of clients."""
    sim = Simulation(seed)
    for name in ("s1", "s2", "s3"):
        sim.server(name, service=Exponential(0.02))
    sim.balancer({"algorithm": "power_of_two"})
    sim.clients("web", OpenLoop(Poisson(50)), policy=ClientPolicy(timeout=5.0, posts=0.2))
    return sim


def test_the_same_seed_is_the_same_run_and_another_one_another() -> None:
    hashes = [world(seed).run(until=10).trace_hash for seed in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_watching_changes_nothing() -> None:
    with_all = world().run(until=10)
    bare = world().run(until=10, tally=False, standard=False)
    assert with_all.trace_hash == bare.trace_hash


def test_one_request_s_life_is_told_by_everybody_with_its_number() -> None:
    sim = Simulation()
    sim.server("s1", service=Fixed(0.010))
    sim.balancer()
    sim.clients("web", OpenLoop(Every(1.0)))
    life: list[Happening] = []
    sim.wire.hear(lambda each: life.append(each) if each.req == 1 else None)
    sim.run(until=1.5)
    assert [(round(each.at, 4), each.what.value, each.entity) for each in life] == [
        (1.0, "arrive", "web"),
        (1.001, "try", "web"),
        (1.0015, "start", "lb"),
        (1.0015, "select", "lb"),
        (1.003, "take", "s1"),
        (1.003, "begin", "s1"),
        (1.013, "reply", "s1"),
        (1.0135, "complete", "lb"),
        (1.014, "answer", "web"),
        (1.014, "done", "web"),
    ]


def test_zones_are_as_far_apart_as_is_said() -> None:
    sim = Simulation(latency_seconds=0.001)
    sim.zone("a")
    sim.zone("b", latency_seconds=0.050)
    sim.server("s1", zone="b", service=Fixed(0.0))
    sim.balancer(zone="a")
    sim.clients("web", OpenLoop(Every(1.0)), zone="a")
    done: list[Happening] = []
    sim.wire.hear(done.append, What.DONE)
    sim.run(until=2.5)
    # The second request finds its connections: 1 + 50 + 50 + 1 ms.
    assert [each.values[2] for each in done] == [204_000_000, 102_000_000]


def test_a_closed_loop_waits_for_its_answers() -> None:
    sim = Simulation()
    sim.server("s1", service=Fixed(0.5))
    sim.balancer()
    sim.clients("users", ClosedLoop(users=2, think=Fixed(0.5)))
    arrivals: list[float] = []
    sim.wire.hear(lambda each: arrivals.append(round(each.at, 1)), What.ARRIVE)
    sim.run(until=3.9)
    assert arrivals == [0.5, 0.5, 1.5, 1.5, 2.5, 2.5, 3.5, 3.5]


def test_a_slow_dependency_slows_all_who_ask_it() -> None:
    sim = Simulation()
    database = sim.dependency("database", Fixed(0.1), concurrency=1)
    for name in ("s1", "s2"):
        sim.server(name, service=Fixed(0.01), dependency=database)
    sim.balancer()
    sim.clients("users", ClosedLoop(users=4, think=Fixed(0.0)))
    done: list[Happening] = []
    sim.wire.hear(done.append, What.DONE)
    sim.run(until=10)
    assert 95 <= len([each for each in done if each.at <= 10]) <= 100


def test_clients_may_ask_several_balancers_in_turn() -> None:
    sim = world()
    sim.balancer(name="lb2")
    starts: list[str] = []
    sim.wire.hear(lambda each: starts.append(each.entity), What.START)
    sim.run(until=5).require()
    assert {"lb", "lb2"} == set(starts)


@pytest.mark.parametrize(
    "given",
    [
        lambda: at(2, Latency("lb", "s1", shift=0.2, for_="1s")),
        lambda: schedule(at(2, Latency("lb", "s1", shift=0.2, for_="1s"))),
        lambda: [Fault.from_data(
            {
                "at": 2,
                "kind": "latency",
                "target": {"link": ["lb", "s1"]},
                "until": 3,
                "args": {"shift": 0.2},
            }
        )],
    ],
)  # fmt: skip
def test_faults_come_as_words_as_a_schedule_or_as_records(given: Callable[[], object]) -> None:
    sim = world()
    sim.faults(given())
    (fault,) = sim.run(until=5).faults
    assert (fault.at, fault.until, fault.args["shift"]) == (2.0, 3.0, 0.2)


def test_a_fault_on_somebody_who_is_not_here_is_refused_before_the_run() -> None:
    sim = world()
    sim.faults(at(2, Partition("lb", "zone:z", for_="1s")))
    with pytest.raises(ConfigError, match="there is no zone 'z'"):
        sim.run(until=5)


def test_a_program_of_one_s_own_talks_over_its_env() -> None:
    answers: list[bytes] = []

    async def ask(env: SimEnv) -> None:
        await trio.sleep(1.0)
        stream = await env.network.connect(sim.balancers["lb"].addresses[0])
        async with stream:
            await stream.send_some(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answers.append(await stream.receive_some(1000))

    sim = world()
    sim.host("tester", ask)
    sim.run(until=5).require()
    assert answers[0].startswith(b"HTTP/1.1 200 OK\r\n")


def test_names_are_unique() -> None:
    sim = world()
    with pytest.raises(ValueError, match="the name 's1' is taken"):
        sim.clients("s1", OpenLoop(Every(1.0)))


def test_it_runs_once() -> None:
    sim = world()
    sim.run(until=1)
    with pytest.raises(RuntimeError, match="runs once"):
        sim.run(until=1)


def test_websocket_clients_talk_through_the_balancer() -> None:
    sim = Simulation()
    sim.server("s1")
    sim.server("s2")
    sim.balancer()
    sim.websockets("chat", 4, WebSocketPolicy(messages=3, every=Fixed(1.0)))
    answers: list[Happening] = []
    sim.wire.hear(answers.append, What.ANSWER)
    sim.run(until=10).require()
    assert {each.values[0] for each in answers} == {101}
    assert len(answers) >= 4


@pytest.mark.parametrize("clients_first", [False, True])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_servers_of_a_configuration_are_where_it_says_whoever_was_there_by_chance(
    first: int, clients_first: bool
) -> None:
    servers = [f"10.0.0.{number}:80" for number in (first, first + 1)]
    sim = Simulation()
    if not clients_first:
        sim.balancer({"servers": servers})
    sim.clients("web", OpenLoop(Every(0.1)))
    if clients_first:
        sim.balancer({"servers": servers})
    totals = sim.run(until=2.0).figures().totals
    assert totals["good"] == totals["offered"] == 20


def test_a_check_that_takes_a_longer_run_is_not_reached() -> None:
    def never(happening: Happening) -> str | None:
        return "something happened"

    sim = world()
    sim.check(never, takes=11.0)
    sim.check(never, settles=1.0)
    result = sim.run(until=10)
    assert (result.ok, result.is_vacuous) == (True, True)
    assert [point.name for point in result.coverage] == [
        "never (it takes a run of 11 s)",
        "never (it takes 1 s to settle)",
    ]
    sim = world()
    sim.check(never, takes=10.0)
    assert not sim.run(until=10).ok
