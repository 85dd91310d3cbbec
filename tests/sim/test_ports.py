"""Client ports: each leads to a target once, and there is an end of them."""

from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.ports import ClientPorts


def two_ports() -> ClientPorts:
    ports = ClientPorts()
    ports.allowed = range(40_000, 40_002)
    return ports


def test_ports_come_in_turn_and_end() -> None:
    ports = two_ports()
    assert [ports.take("b") for _ in range(3)] == [40_000, 40_001, None]


def test_another_target_has_all_of_them_again() -> None:
    ports = two_ports()
    assert [ports.take("b"), ports.take("b"), ports.take("c")] == [40_000, 40_001, 40_000]


def test_a_port_given_back_is_used_again() -> None:
    ports = two_ports()
    ports.take("b"), ports.take("b")
    ports.free("b", 40_001)
    assert [ports.take("b"), ports.take("b")] == [40_001, None]


@given(st.lists(st.sampled_from(["take b", "take c", "free b", "free c"]), max_size=40))
def test_no_port_leads_to_one_target_twice(acts: list[str]) -> None:
    ports = two_ports()
    held: dict[str, list[int]] = {"b": [], "c": []}
    for act in acts:
        verb, target = act.split()
        if verb == "free" and held[target]:
            ports.free(target, held[target].pop(0))
        if verb == "take":
            port = ports.take(target)
            assert (port is None) == (len(held[target]) == 2)
            assert port not in held[target]
            held[target] += [] if port is None else [port]


async def test_a_host_that_ran_out_of_ports_cannot_dial_until_a_stream_is_closed(
    net: VirtualNetwork,
) -> None:
    a = net.host("a")
    a.client_ports.allowed = range(40_000, 40_001)
    async with aclosing(await net.host("b").listen(Address("b", 80))):
        near = await a.connect(Address("b", 80))
        assert near.local.port == 40_000
        with pytest.raises(ConnectError, match="cannot assign requested address"):
            await a.connect(Address("b", 80))
        assert a.descriptors.used == 1
        near.close()
        (await a.connect(Address("b", 80))).close()
