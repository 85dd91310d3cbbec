"""The descriptors of a host: who holds one, who is refused."""

from contextlib import aclosing

import pytest
import trio

from tests.sim.support import far_apart, listen_on_b
from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, OutOfDescriptors
from trio_lb.sim.descriptors import Descriptors
from trio_lb.sim.network import VirtualNetwork


def test_without_a_limit_there_is_always_one_more() -> None:
    assert Descriptors().available(1_000_000) == 1_000_000


def test_a_limit_below_what_is_used_only_refuses() -> None:
    descriptors = Descriptors()
    descriptors.take()
    descriptors.take()
    descriptors.limit = 1
    with pytest.raises(OutOfDescriptors):
        descriptors.take()
    assert (descriptors.available(5), descriptors.used) == (0, 2)


async def test_dialling_at_the_limit_is_our_own_fault_until_a_stream_is_closed(
    net: VirtualNetwork,
) -> None:
    a = net.host("a")
    a.descriptors.limit = 1
    async with aclosing(await net.host("b").listen(Address("b", 80))):
        near = await a.connect(Address("b", 80))
        with pytest.raises(ConnectError, match="too many open files") as caught:
            await a.connect(Address("b", 80))
        assert caught.value.ours
        near.close()
        (await a.connect(Address("b", 80))).close()
    assert a.descriptors.used == 0


async def test_a_dial_under_way_holds_one_and_gives_it_back_when_cancelled(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    a = net.host("a")
    for patience_seconds in (0.5, 1.5):
        async with aclosing(await listen_on_b(net)):
            with trio.move_on_after(patience_seconds):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(a.connect, Address("b", 80))
                    await trio.sleep(0.25)
                    assert a.descriptors.used == 1
            assert a.descriptors.used == 0


async def test_accepting_takes_what_the_limit_leaves_and_the_rest_keep_waiting(
    net: VirtualNetwork,
) -> None:
    a, b = net.host("a"), net.host("b")
    b.descriptors.limit = 3
    async with aclosing(await b.listen(Address("b", 80))) as listener:
        clients = [await a.connect(Address("b", 80)) for _ in range(3)]
        await trio.sleep(1)
        first, second = await listener.accept_batch(10)
        with pytest.raises(OutOfDescriptors):
            await listener.accept_batch(10)
        first.close()
        (third,) = await listener.accept_batch(10)
        assert third.peer == clients[2].local
        for stream in (second, third, *clients):
            stream.close()
    assert b.descriptors.used == 0


async def test_listening_takes_one_too(net: VirtualNetwork) -> None:
    a = net.host("a")
    a.descriptors.limit = 1
    async with aclosing(await a.listen(Address("a", 80))):
        with pytest.raises(OutOfDescriptors):
            await a.listen(Address("a", 81))
