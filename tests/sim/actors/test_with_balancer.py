"""Actors with a real balancer between them: whatever they do wrong, every standard check holds."""

from functools import partial

import pytest

from trio_lb.sim.actors.asking import SlowHead
from trio_lb.sim.actors.client import ClosedLoop, OpenLoop
from trio_lb.sim.actors.line import Pace
from trio_lb.sim.actors.policy import ClientPolicy, FullJitter
from trio_lb.sim.actors.server import Streaming
from trio_lb.sim.actors.websocket import WebSocketActor, WebSocketPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Exponential, Fixed, Uniform
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.shape import FaultKind
from trio_lb.sim.faults.target import Sort, Target
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.simulation import Simulation

OURS = [
    kind
    for kind in KINDS.values()
    if kind.family in ("app", "client") or kind.name == "memory_limit"
]
SMALL = {"share": 0.3, "every": 0.01, "bytes": 1024}


def heard(sim: Simulation, *whats: What) -> list[Happening]:
    """What will be told of these."""
    told: list[Happening] = []
    sim.wire.hear(told.append, *whats)
    return told


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.name)
def test_a_balancer_stands_whatever_servers_and_clients_do(kind: FaultKind) -> None:
    sim = Simulation(3)
    for name in ("s1", "s2", "s3"):
        sim.server(name, service=Exponential(0.01), size=Fixed(3000))
    sim.balancer({})
    policy = ClientPolicy(timeout=2.0, posts=0.2, requests_per_connection=20)
    sim.clients("web", OpenLoop(Poisson(30)), policy=policy)
    is_client = kind.family == "client"
    target = Target(Sort.CLIENT, ("web",)) if is_client else Target(Sort.SERVER, ("s1",))
    args = {name: value for name, value in SMALL.items() if name in kind.args}
    sim.faults(Fault(1.0, kind.name, target, 4.0, args))
    done = heard(sim, What.DONE)
    result = sim.run(until=6.0, settle=2.0)
    assert [str(verdict) for verdict in result.verdicts if not verdict.ok] == []
    late = [happening.values[0] for happening in done if happening.at > 6.5]
    assert len(late) > 20
    assert all(late), "after the heal everybody gets what he wants"


def test_streams_slow_readers_and_slowloris_pass_or_are_sent_away() -> None:
    sim = Simulation(3)
    for name in ("s1", "s2"):
        sim.server(name, size=Fixed(10_000), streaming=Streaming(10, 0.2))
    sim.balancer({})
    sim.clients("events", OpenLoop(Poisson(5)), policy=ClientPolicy(timeout=60.0))
    reader = ClientPolicy(timeout=600.0, pace=Pace(1000, 0.2))
    sim.clients("reader", ClosedLoop(5, Fixed(1.0)), policy=reader)
    trickle = ClientPolicy(timeout=600.0, habits=(SlowHead(5.0),))
    sim.clients("loris", ClosedLoop(50, Uniform(0.0, 5.0)), policy=trickle)
    answers = heard(sim, What.ANSWER)
    result = sim.run(until=30.0)
    assert result.ok
    statuses = {(each.entity, each.values[0]) for each in answers}
    assert statuses == {("events", 200), ("reader", 200), ("loris", 408)}


def test_conversations_pass_through_and_break_with_their_server() -> None:
    sim = Simulation(1)
    for name in ("s1", "s2"):
        sim.server(name)
    sim.balancer({})
    host, targets = sim.net.host("chat"), partial(sim._targets, None)
    policy = WebSocketPolicy(messages=5, every=Fixed(1.0), size=Fixed(1000), pause=Fixed(1.0))
    numbers = iter(range(1_000_000, 2_000_000))
    crowd = WebSocketActor(sim.stage, "chat", host, 10, policy, targets, partial(next, numbers))
    sim.clients_by_name["chat"] = crowd
    sim.faults(Fault(2.5, "crash", Target(Sort.SERVER, ("s1",)), 8.0, {"fin": True}))
    told = heard(sim, What.ANSWER, What.FAIL)
    result = sim.run(until=20.0)
    assert result.ok
    failed = [each for each in told if each.what is What.FAIL]
    assert 0 < len(failed) < 10
    assert {each.values[0] for each in failed} == {"cut"}
    whole = [each for each in told if each.values[:2] == (101, 5000)]
    assert len(whole) > 15


def test_a_balancer_that_stops_takes_its_leave_of_conversations_and_they_answer() -> None:
    sim = Simulation(1)
    sim.server("s1")
    sim.balancer({})
    sim.websockets("chat", 4, WebSocketPolicy(messages=100, backoff=FullJitter(60.0, 60.0)))
    sim.faults(Fault(5.0, "drain", Target(Sort.HOST, ("lb",)), 6.0, {"grace": 10.0}))
    told = heard(sim, What.FAIL, What.COMPLETE, What.DROP)
    assert sim.run(until=6.0).ok
    left = [each for each in told if each.what is What.FAIL]
    assert [each.values[0] for each in left] == ["away"] * 4
    # Four are told within 40 ms, and a handshake takes less than 10.
    assert 5.0 < min(each.at for each in left) < max(each.at for each in left) < 5.05
    assert [each.values[2] for each in told if each.what is What.COMPLETE] == [101] * 4
    assert [each for each in told if each.what is What.DROP] == []
