"""The virtual network as a whole: hosts, names, links, and the same again from the same seed."""

from contextlib import aclosing

import pytest
import trio
from trio.testing import MockClock

from tests.sim.support import far_apart, pair
from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.network import VirtualNetwork


def test_a_host_is_made_once_with_the_next_address() -> None:
    net = VirtualNetwork()
    assert [net.host(name).address for name in ("lb", "s1", "lb")] == [
        "10.0.0.1",
        "10.0.0.2",
        "10.0.0.1",
    ]
    assert net.host("lb") is net.host("lb", "10.0.0.1")


def test_who_has_no_wish_gets_an_address_that_nobody_has_or_will_ask_for() -> None:
    net = VirtualNetwork()
    net.host("s1", "10.0.0.2")
    net.reserve(["10.0.0.3", "10.0.0.4"])
    assert net.host("lb").address == "10.0.0.5"
    assert net.host("s2", "10.0.0.3").address == "10.0.0.3"
    assert net.host("web").address == "10.0.0.6", "the fourth host, and the next free address"


def test_a_host_that_nobody_has_dialled_can_make_way_with_its_names() -> None:
    net = VirtualNetwork()
    web = net.host("web")
    net.set_name("clients.example", ["10.0.0.1", "10.9.9.9"])
    net.make_way("10.0.0.1", keep=["web"])
    assert web.address == "10.0.0.1"
    net.make_way("10.0.0.1", keep=[])
    net.make_way("10.0.0.7", keep=[])
    assert (web.address, net.look_up("web")) == ("10.0.0.2", ["10.0.0.2"])
    assert net.look_up("clients.example") == ["10.0.0.2", "10.9.9.9"]
    assert net.host_at("10.0.0.1") is None


def test_a_host_does_not_move() -> None:
    net = VirtualNetwork()
    net.host("lb", "10.0.0.1")
    with pytest.raises(ValueError, match=r"lb is at 10\.0\.0\.1, not at 10\.9\.9\.9"):
        net.host("lb", "10.9.9.9")


def test_a_link_is_the_same_seen_from_either_end() -> None:
    net = VirtualNetwork(latency_seconds=0.5)
    assert net.link("a", "b") is net.link("b", "a")
    assert net.link("a", "b").path_from("a").latency_seconds == 0.5
    assert net.link("a", "a").path_from("a").latency_seconds == 0.0


def test_names_can_be_set_and_taken_away() -> None:
    net = VirtualNetwork()
    net.set_name("api", ["10.0.0.8", "10.0.0.9"])
    assert net.look_up("api") == ["10.0.0.8", "10.0.0.9"]
    net.set_name("api", [])
    with pytest.raises(ConnectError, match="api"):
        net.look_up("api")


async def test_what_is_open_is_listed_until_it_is_closed(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    listener = await net.host("a").listen(Address("10.0.0.1", 0))
    assert net.open_streams() == [near, far]
    assert net.open_listeners() == [listener]
    await near.aclose()
    far.abort()
    await listener.aclose()
    assert (net.open_streams(), net.open_listeners()) == ([], [])


def shaky_instants(seed: int) -> list[float]:
    """When the bytes arrive that are sent over a jittering link, one each second."""
    instants: list[float] = []

    async def main() -> None:
        net = VirtualNetwork(seed)
        far_apart(net)
        near, far = await pair(net)
        net.link("a", "b").path_from("a").jitter_seconds = 0.25
        async with near, far:
            for _ in range(5):
                near.send_nowait(b"x")
                await far.receive_some(1)
                instants.append(trio.current_time())

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return instants


def test_the_same_seed_gives_the_same_instants() -> None:
    first = shaky_instants(seed=1)
    assert shaky_instants(seed=1) == first
    assert shaky_instants(seed=2) != first


# Zones.


def three_in_two_zones(net: VirtualNetwork) -> None:
    """``a1`` and ``a2`` in the zone a, ``b1`` in the zone b."""
    for name in ("a1", "a2", "b1"):
        net.host(name, zone=name[0])


async def connects_within(net: VirtualNetwork, one: str, other: str, seconds: float) -> bool:
    """Whether a connection and one byte of the client get through in time."""
    with trio.move_on_after(seconds):
        async with aclosing(await net.host(other).listen(Address(other, 80))) as listener:
            async with await net.host(one).connect(listener.address) as near:
                (far,) = await listener.accept_batch(1)
                async with far:
                    near.send_nowait(b"x")
                    return await far.receive_some(1) == b"x"
    return False


async def test_links_between_zones_have_the_latency_of_the_zones(net: VirtualNetwork) -> None:
    net.set_zone_latency("b", "a", 0.04)
    net.set_zone_latency("a", "a", 0.0005)
    three_in_two_zones(net)
    assert net.link("a1", "b1").path_from("b1").latency_seconds == 0.04
    assert net.link("a1", "a2").path_from("a1").latency_seconds == 0.0005
    assert net.link("a1", "a1").path_from("a1").latency_seconds == 0.0
    assert net.link("a1", "elsewhere").path_from("a1").latency_seconds == 0.001


async def test_a_host_stays_in_its_zone(net: VirtualNetwork) -> None:
    assert net.host("a1", zone="a") is net.host("a1")
    with pytest.raises(ValueError, match="host a1 is in zone 'a', not in 'b'"):
        net.host("a1", zone="b")


async def test_the_links_between_zones_are_those_of_their_hosts(net: VirtualNetwork) -> None:
    three_in_two_zones(net)
    assert [link.ends for link in net.links_between("b", "a")] == [("a1", "b1"), ("a2", "b1")]
    assert [link.ends for link in net.links_between("a", "a")] == [("a1", "a2")]
    assert net.links_between("b", "b") == []


async def test_a_partition_cuts_zones_from_each_other_and_not_within(
    net: VirtualNetwork,
) -> None:
    three_in_two_zones(net)
    net.partition("a", "b")
    assert not await connects_within(net, "a1", "b1", 60)
    assert not await connects_within(net, "b1", "a2", 60)
    assert await connects_within(net, "a1", "a2", 1)
    net.unite("a", "b")
    assert await connects_within(net, "a1", "b1", 1)


async def test_a_partition_of_one_way_lets_the_other_pass(net: VirtualNetwork) -> None:
    three_in_two_zones(net)
    async with aclosing(await net.host("b1").listen(Address("b1", 80))) as listener:
        near = await net.host("a1").connect(listener.address)
        (far,) = await listener.accept_batch(1)
        async with near, far:
            net.partition("a", "b", one_way=True)
            near.send_nowait(b"held")
            far.send_nowait(b"passes")
            assert await near.receive_some(100) == b"passes"
            with trio.move_on_after(60) as patience:
                await far.receive_some(100)
            assert patience.cancelled_caught
            net.unite("a", "b")
            assert await far.receive_some(100) == b"held"
