"""Probes stop when nobody wants to know any more."""

from contextlib import aclosing

import pytest
import trio

from tests.sim.checks.support import Play, SmallBalancer, SmallWorld, world
from trio_lb.model.address import Address
from trio_lb.sim.checks.probes import ProbesStop
from trio_lb.sim.happening import What
from trio_lb.sim.network import VirtualNetwork


def test_a_member_is_probed_and_one_that_left_is_not() -> None:
    play = Play(ProbesStop(grace_seconds=1.0))
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    play.tell(1.0, What.PROBE, "s1", 200)
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.tell(2.5, What.PROBE, "s1", 200)  # It was on its way.
    assert play.said == []
    play.tell(7.0, What.PROBE, "s1", 200)
    assert play.end() == ["it is probed, though nobody has it in a pool since 2.000000 s"]


def test_another_pool_or_balancer_may_still_want_to_know() -> None:
    play = Play(ProbesStop())
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    play.tell(0.0, What.HEALTH, "lb2", "s1", "default", 1, "x")
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.tell(7.0, What.PROBE, "s1", 200)
    assert play.said == []
    play.tell(7.5, What.PHASE, "sim", "end")
    play.tell(8.0, What.NEWS, "lb2", "listener_closed")
    play.tell(20.0, What.PROBE, "s1", 200)
    assert play.end() == ["it is probed, though nobody has it in a pool since 8.000000 s"]


def test_who_comes_back_is_probed_again() -> None:
    play = Play(ProbesStop())
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.lb(3.0, What.ADD, "s1", "default")
    play.tell(7.0, What.PROBE, "s1", 200)
    play.lb(8.0, What.NEWS, "listener_closed")  # It crashes, and lives again.
    play.tell(20.0, What.PROBE, "s1", 200)
    assert play.end() == []


def test_of_a_server_that_nobody_spoke_of_nothing_is_known() -> None:
    play = Play(ProbesStop())
    play.tell(20.0, What.PROBE, "s1", 200)
    assert play.end() == []


def test_a_balancer_that_starts_again_may_have_its_old_servers_back() -> None:
    play = Play(ProbesStop(), world())
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    play.lb(2.0, What.REMOVE, "s1", "default")
    play.tell(3.0, What.INJECT, "host:lb", "crash", 1, "{}")
    play.tell(7.0, What.PROBE, "s1", 200)
    assert play.end() == []


@pytest.mark.parametrize(
    ("sent_at", "said"),
    [
        (1.0, []),
        (2.5, []),
        (3.5, ["it is probed, though nobody has it in a pool since 2.000000 s"]),
    ],
)
async def test_what_counts_is_when_a_probe_was_sent_not_when_it_arrives(
    net: VirtualNetwork, sent_at: float, said: list[str]
) -> None:
    prober, s1 = net.host("lb"), net.host("s1")
    play = Play(ProbesStop(grace_seconds=1.0), SmallWorld(net, {}))
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    async with aclosing(await s1.listen(Address(s1.address, 80))) as listener:
        async with await prober.connect(listener.address) as near:
            (far,) = await listener.accept_batch(1)
            await trio.sleep_until(sent_at)
            net.link("lb", "s1").set_latency(30.0)
            near.send_nowait(b"GET /health HTTP/1.1")
        async with far:
            assert await far.receive_some(100)
            play.lb(2.0, What.REMOVE, "s1", "default")
            play.tell(trio.current_time(), What.PROBE, "s1", 200, conn=far.serial)
            assert play.now > 30.0
    assert play.end() == said


def test_a_balancer_that_drains_has_not_stopped() -> None:
    small = world()
    balancer = small.balancers["lb"]
    play = Play(ProbesStop(grace_seconds=1.0), small)
    play.lb(0.0, What.HEALTH, "s1", "default", 1, "x")
    play.tell(7.5, What.PHASE, "sim", "end")
    play.lb(8.0, What.NEWS, "listener_closed")
    play.tell(20.0, What.PROBE, "s1", 200)  # Somebody is served still, by a server that is well.
    small.balancers["lb"] = SmallBalancer(balancer.host, None, ended_at=30.0)
    play.tell(30.5, What.PROBE, "s1", 200)
    assert play.said == []
    play.tell(35.0, What.PROBE, "s1", 200)
    assert play.end() == ["it is probed, though nobody has it in a pool since 30.000000 s"]
