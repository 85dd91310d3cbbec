"""Hosts: names, addresses, ports."""

from contextlib import aclosing

import pytest
import trio

from tests.sim.support import LATENCY, far_apart, listen_on_b, pair
from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, Network
from trio_lb.sim.listener import VirtualListener
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


# Crashing.


async def test_a_crashed_host_falls_silent_and_its_peer_hears_nothing(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near:
        net.host("b").crash()
        assert near.send_nowait(b"anybody?") == 8
        with trio.move_on_after(3600) as patience:
            await near.receive_some(100)
        assert patience.cancelled_caught
        with pytest.raises(trio.ClosedResourceError):
            far.send_nowait(b"its owner has lost it")


@pytest.mark.parametrize("fin", [False, True])
async def test_what_the_tasks_of_a_dead_process_still_do_touches_nothing(
    net: VirtualNetwork, fin: bool
) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near:
        near.send_nowait(b"it has arrived by then")
        await trio.sleep(5)
        if fin:
            assert far.receive_nowait(100)
        net.host("b").crash(fin=fin, tasks_die=True)
        assert far.is_closed
        assert far.receive_nowait(100) is None
        assert far.send_nowait(b"a dead man's word") == 17
        far.finish()
        far.close()
        with trio.move_on_after(60) as patience:
            await far.receive_some(100)
        assert patience.cancelled_caught, "a task that nobody cancelled waits for nothing"
        with trio.move_on_after(3600) as patience:
            assert await near.receive_some(100) == b""
        assert patience.cancelled_caught is not fin


async def test_what_left_before_the_crash_still_arrives(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near:
        far.send_nowait(b"last words")
        net.host("b").crash()
        assert await near.receive_some(100) == b"last words"
        assert trio.current_time() == 4.0


async def test_a_restarted_host_answers_the_next_byte_of_an_old_connection_with_a_reset(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    near, _far = await pair(net)
    async with near:
        net.host("b").crash()
        await trio.sleep(10)
        net.host("b").restart()
        await trio.sleep(10)
        assert near.send_nowait(b"x") == 1
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(100)
        assert trio.current_time() == 3.0 + 10.0 + 10.0 + 2 * LATENCY


async def test_bytes_lost_in_an_outage_meet_the_reset_when_they_are_sent_again(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    far_apart(net)
    near, _far = await pair(net)

    async def restart_later() -> None:
        await trio.sleep_until(10.0)
        net.host("b").restart()

    async with near:
        net.host("b").crash()
        near.send_nowait(b"x")
        nursery.start_soon(restart_later)
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(100)
        # Sent at 3.0; the copy of 9.2 arrives at 10.2, the first after the restart.
        assert trio.current_time() == pytest.approx(10.2 + LATENCY)


async def test_syns_to_a_crashed_host_are_lost_until_it_listens_again(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    far_apart(net)
    b = net.host("b")
    listener = await listen_on_b(net)
    b.crash()
    with pytest.raises(trio.ClosedResourceError):
        await listener.accept_batch(1)

    async def return_later() -> None:
        await trio.sleep(2.5)
        b.restart()
        nursery.start_soon(aclose_later, await b.listen(listener.address))

    async def aclose_later(again: VirtualListener) -> None:
        (far,) = await again.accept_batch(1)
        far.close()
        await again.aclose()

    nursery.start_soon(return_later)
    async with await net.host("a").connect(listener.address) as near:
        # SYNs leave at 0, 1 and 3 seconds; those of 0 and 1 arrive while it is down.
        assert trio.current_time() == 3.0 + 2 * LATENCY
        assert await near.receive_some(100) == b""


async def test_nothing_can_be_dialled_or_listened_on_from_a_crashed_host(
    net: VirtualNetwork,
) -> None:
    a = net.host("a")
    a.crash()
    with pytest.raises(ConnectError, match="network is down") as caught:
        await a.connect(Address("a", 80))
    assert caught.value.ours
    with pytest.raises(OSError, match="network is down"):
        await a.listen(Address("a", 80))
    a.restart()
    await (await a.listen(Address("a", 80))).aclose()


async def test_a_crash_leaves_no_stream_listener_descriptor_or_port_behind(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    b = net.host("b")
    near, _far = await pair(net)
    async with near, aclosing(await listen_on_b(net)) as listener:
        waiting = await net.host("a").connect(listener.address)
        b.crash()
        assert (net.streams_of("b"), b.listeners, b.descriptors.used) == ([], [], 0)
        waiting.close()


async def test_a_connection_that_nobody_had_accepted_is_half_open_after_a_crash(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    listener = await listen_on_b(net)
    async with await net.host("a").connect(listener.address) as near:
        net.host("b").crash()
        assert near.send_nowait(b"x") == 1
        with trio.move_on_after(3600) as patience:
            await near.receive_some(100)
        assert patience.cancelled_caught


async def test_a_killed_process_says_fin_where_all_was_read_and_rst_where_not(
    net: VirtualNetwork,
) -> None:
    a, b = net.host("a"), net.host("b")
    async with aclosing(await b.listen(Address("b", 80))) as listener:
        clean, unread = [await a.connect(listener.address) for _ in range(2)]
        await trio.sleep(1)
        await listener.accept_batch(2)
        async with clean, unread:
            unread.send_nowait(b"nobody reads this")
            await trio.sleep(1)
            b.crash(fin=True)
            assert await clean.receive_some(100) == b""
            with pytest.raises(trio.BrokenResourceError):
                await unread.receive_some(100)
            with pytest.raises(ConnectError) as caught:
                await a.connect(listener.address)
            assert caught.value.refused


# Pausing.


async def test_tasks_of_a_paused_host_hold_until_it_goes_on(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    a = net.host("a")
    went_on: list[float] = []

    async def act() -> None:
        await a.wait_running()
        went_on.append(trio.current_time())

    await act()
    a.pause()
    a.pause()
    assert a.is_paused
    nursery.start_soon(act)
    await trio.sleep(30)
    a.resume()
    await trio.sleep(1)
    assert went_on == [0.0, 30.0]


async def test_the_kernel_of_a_paused_host_accepts_and_buffers_up_to_the_window(
    net: VirtualNetwork,
) -> None:
    b = net.host("b")
    async with aclosing(await b.listen(Address("b", 80))) as listener:
        b.pause()
        async with await net.host("a").connect(listener.address) as near:
            assert near.send_nowait(bytes(10**6)) == net.window_bytes
            with trio.move_on_after(60) as patience:
                await near.send_some(b"x")
            assert patience.cancelled_caught
            b.resume()
            (far,) = await listener.accept_batch(1)
            async with far:
                assert len(await far.receive_some(10**6)) == net.window_bytes


async def test_a_crash_ends_a_pause(net: VirtualNetwork) -> None:
    a = net.host("a")
    a.pause()
    a.crash()
    await a.wait_running()
    a.pause()
    assert not a.is_paused, "there is nobody to stop"


async def test_a_host_that_crashes_while_it_dials_leaves_nothing_at_either_end(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    far_apart(net)
    a = net.host("a")
    async with aclosing(await listen_on_b(net)):
        life = trio.CancelScope()

        async def dial() -> None:
            with life:
                await a.connect(Address("b", 80))

        nursery.start_soon(dial)
        await trio.sleep(1.5)
        assert len(net.open_streams()) == 2, "the SYN-ACK is under way"
        a.crash()
        await trio.sleep(1.0)
        life.cancel()
        await trio.sleep(1.0)
        assert (net.open_streams(), a.descriptors.used) == ([], 0)


async def test_what_could_be_listened_on_is_known_before(net: VirtualNetwork) -> None:
    far_apart(net)
    b = net.host("b")
    assert b.bindable(Address("b", 80)) == Address("10.0.0.2", 80)
    assert b.bindable(Address("0.0.0.0", 0)).port == b.bindable(Address("b", 0)).port - 1
    listener = b.listen_nowait(Address("b", 80))
    with pytest.raises(OSError, match=r"0\.0\.0\.0:80: address already in use"):
        b.bindable(Address("0.0.0.0", 80))
    with pytest.raises(OSError, match="not an address of b"):
        b.bindable(Address("10.0.0.1", 80))
    await listener.aclose()


async def test_a_paused_host_hands_nothing_over_and_all_of_it_when_it_goes_on(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    far_apart(net)
    b = net.host("b")
    near, far = await pair(net)
    b.pause()

    async def go_on_later() -> None:
        await trio.sleep_until(60)
        b.resume()

    async with near, far, aclosing(await listen_on_b(net)) as listener:
        nursery.start_soon(go_on_later)
        async with await net.host("a").connect(listener.address) as late:
            near.send_nowait(b"while it stood still")
            late.send_nowait(b"to one that came meanwhile")
            assert await far.receive_some(100) == b"while it stood still"
            assert trio.current_time() == 60.0
            (accepted,) = await listener.accept_batch(16)
            async with accepted:
                assert await accepted.receive_some(100) == b"to one that came meanwhile"
            assert trio.current_time() == 60.0
            assert not b.greeters
            assert not far.incoming.valves
