"""The virtual network as a whole: hosts, names, links, and the same again from the same seed."""

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
