"""Virtual listeners: what waits, in which order, and a process out of descriptors."""

from contextlib import aclosing

import pytest
import trio

from tests.sim.support import far_apart, listen_on_b
from trio_lb.model.address import Address
from trio_lb.net.env import OutOfDescriptors
from trio_lb.sim.network import VirtualNetwork

B = Address("10.0.0.2", 80)


async def test_who_stands_first_is_accepted_first_whoever_knocked_first(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    net.link("b", "near").set_latency(0.25)

    async def knock_later() -> None:
        await trio.sleep(1.0)  # The other SYN arrives now; its last packet at 3 s, ours at 1.75 s.
        await net.host("near").connect(B)

    async with aclosing(await listen_on_b(net)) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(net.host("a").connect, B)
            nursery.start_soon(knock_later)
        await trio.sleep(10)
        batch = await listener.accept_batch(16)
        assert [far.peer.host for far in batch] == [net.host("near").address, "10.0.0.1"]
        for stream in net.open_streams():
            stream.abort()


async def test_connections_are_accepted_in_the_order_of_their_syns(net: VirtualNetwork) -> None:
    far_apart(net)
    net.link("b", "near").set_latency(0.25)
    async with aclosing(await listen_on_b(net)) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(net.host("a").connect, B)
            nursery.start_soon(net.host("near").connect, B)
        await trio.sleep(10)
        batch = await listener.accept_batch(16)
        assert [far.peer.host for far in batch] == [net.host("near").address, "10.0.0.1"]
        for stream in net.open_streams():
            stream.abort()


async def test_a_batch_does_not_wait_for_those_still_under_way(net: VirtualNetwork) -> None:
    far_apart(net)
    net.link("b", "near").set_latency(0.25)
    async with aclosing(await listen_on_b(net)) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(net.host("a").connect, B)
            nursery.start_soon(net.host("near").connect, B)
            assert len(await listener.accept_batch(16)) == 1
            assert trio.current_time() == 0.75
        assert len(await listener.accept_batch(16)) == 1
        assert trio.current_time() == 3.0
        for stream in net.open_streams():
            stream.abort()


async def test_without_descriptors_connections_keep_waiting(net: VirtualNetwork) -> None:
    far_apart(net)
    async with aclosing(await listen_on_b(net)) as listener:
        async with await net.host("a").connect(B):
            listener.out_of_descriptors = True
            for _ in range(2):
                with pytest.raises(OutOfDescriptors):
                    await listener.accept_batch(16)
            listener.out_of_descriptors = False
            (far,) = await listener.accept_batch(16)
            far.close()


async def test_a_stall_holds_the_last_packet_of_the_handshake_too(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    far_apart(net)
    link = net.link("a", "b")

    async def heal_later() -> None:
        await trio.sleep(60)
        link.heal()

    async with aclosing(await listen_on_b(net)) as listener:
        async with await net.host("a").connect(B):
            link.stall()
            nursery.start_soon(heal_later)
            (far,) = await listener.accept_batch(16)
            assert trio.current_time() == 62.0
            far.close()


async def test_says_who_it_is(net: VirtualNetwork) -> None:
    far_apart(net)
    async with aclosing(await listen_on_b(net)) as listener:
        assert repr(listener) == "<VirtualListener 10.0.0.2:80, 0 waiting>"


async def test_a_slow_acceptor_takes_one_after_the_other_and_the_rest_when_it_is_healed(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    async with aclosing(await listen_on_b(net)) as listener:
        listener.accept_delay_seconds = 4.0
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(net.host("a").connect, B)
        taken = [(len(await listener.accept_batch(16)), trio.current_time()) for _ in range(2)]
        assert taken == [(1, 7.0), (1, 11.0)], "they knocked at 3.0 s"
        listener.accept_delay_seconds = 0.0
        assert len(await listener.accept_batch(16)) == 2
        assert trio.current_time() == 11.0
        for stream in net.open_streams():
            stream.abort()


async def test_a_held_listener_hands_nobody_over(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    far_apart(net)

    async def let_go_later() -> None:
        await trio.sleep(60)
        listener.is_held = False
        listener.wake()

    async with aclosing(await listen_on_b(net)) as listener:
        async with await net.host("a").connect(B):
            listener.is_held = True
            nursery.start_soon(let_go_later)
            (far,) = await listener.accept_batch(16)
            assert trio.current_time() == 62.0
            far.close()
