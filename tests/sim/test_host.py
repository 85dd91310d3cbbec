"""Hosts: names, addresses, ports."""

from contextlib import aclosing

import pytest
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, Network
from trio_lb.sim.network import VirtualNetwork


async def test_satisfies_the_protocol(net: VirtualNetwork) -> None:
    network: Network = net.host("lb")
    assert await network.resolve("lb") == ["10.0.0.1"]


async def test_a_host_is_reached_by_its_name(net: VirtualNetwork) -> None:
    lb, s1 = net.host("lb"), net.host("s1")
    async with aclosing(await s1.listen(Address("s1", 8000))) as listener:
        assert listener.address == Address("10.0.0.2", 8000)
        async with await lb.connect(Address("s1", 8000)) as near:
            (far,) = await listener.accept_batch(1)
            async with far:
                assert near.peer == Address("s1", 8000), "as it was dialled"
                assert far.local == Address("10.0.0.2", 8000)
                assert far.peer == near.local == Address("10.0.0.1", 32768)


async def test_the_addresses_of_a_name_are_tried_in_their_order(net: VirtualNetwork) -> None:
    lb = net.host("lb")
    net.set_name("api", [net.host("down").address, net.host("up").address])
    async with aclosing(await net.host("up").listen(Address("0.0.0.0", 80))) as listener:
        async with await lb.connect(Address("api", 80)):
            (far,) = await listener.accept_batch(1)
            far.close()
            assert far.local == Address(net.host("up").address, 80)


async def test_the_last_address_of_a_name_gives_the_reason(net: VirtualNetwork) -> None:
    net.set_name("api", ["192.0.2.1", net.host("down").address])
    with pytest.raises(ConnectError, match=r"10\.0\.0\.1:80: connection refused"):
        await net.host("lb").connect(Address("api", 80))


async def test_an_address_of_nobody_has_no_route(net: VirtualNetwork) -> None:
    with pytest.raises(ConnectError, match="no route to host") as caught:
        await net.host("lb").connect(Address("192.0.2.1", 80))
    assert not caught.value.refused


async def test_an_unknown_name_cannot_be_resolved_or_listened_on(net: VirtualNetwork) -> None:
    lb = net.host("lb")
    with pytest.raises(ConnectError, match="nobody"):
        await lb.resolve("nobody")
    with pytest.raises(OSError, match="nobody"):
        await lb.listen(Address("nobody", 80))


async def test_each_host_has_a_loopback_of_its_own(net: VirtualNetwork) -> None:
    lb, s1 = net.host("lb"), net.host("s1")
    async with aclosing(await lb.listen(Address("127.0.0.1", 80))) as listener:
        async with await lb.connect(Address("localhost", 80)) as near:
            (far,) = await listener.accept_batch(1)
            far.close()
            assert near.local.host == "127.0.0.1"
            assert trio.current_time() == 0.0, "nothing is nearer than oneself"
        with pytest.raises(ConnectError):
            await s1.connect(Address("127.0.0.1", 80))
        with pytest.raises(ConnectError):
            await s1.connect(Address(lb.address, 80))


async def test_the_same_port_of_two_addresses_has_two_listeners(net: VirtualNetwork) -> None:
    lb = net.host("lb")
    async with aclosing(await lb.listen(Address("127.0.0.1", 80))) as one:
        async with aclosing(await lb.listen(Address(lb.address, 80))) as other:
            assert lb.listener_at(Address("127.0.0.1", 80)) is one
            assert lb.listener_at(Address(lb.address, 80)) is other


async def test_only_one_s_own_address_can_be_listened_on(net: VirtualNetwork) -> None:
    with pytest.raises(OSError, match=r"10\.9\.9\.9:80: not an address of lb"):
        await net.host("lb").listen(Address("10.9.9.9", 80))


async def test_a_taken_port_is_named(net: VirtualNetwork) -> None:
    lb = net.host("lb")
    async with aclosing(await lb.listen(Address("0.0.0.0", 80))):
        with pytest.raises(OSError, match=r"10\.0\.0\.1:80: address already in use"):
            await lb.listen(Address(lb.address, 80))


async def test_unix_paths_belong_to_their_host(net: VirtualNetwork) -> None:
    path = Address("unix:/run/app.sock", 0)
    async with aclosing(await net.host("lb").listen(path)):
        with pytest.raises(ConnectError) as caught:
            await net.host("s1").connect(path)
        assert caught.value.refused
