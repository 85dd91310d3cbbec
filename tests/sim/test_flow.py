"""What a box in the middle forgets: connections that were silent for longer than it waits."""

import pytest
import trio

from tests.sim.support import far_apart, pair
from trio_lb.sim.network import VirtualNetwork

IDLE_DROP_SECONDS = 60.0


async def test_a_connection_that_talks_in_time_is_kept(net: VirtualNetwork) -> None:
    far_apart(net)
    net.link("a", "b").idle_drop_seconds = IDLE_DROP_SECONDS
    near, far = await pair(net)
    async with near, far:
        for sender, receiver in ((near, far), (far, near), (near, far)):
            await trio.sleep(IDLE_DROP_SECONDS - 2.0)
            sender.send_nowait(b"still here")
            assert await receiver.receive_some(100) == b"still here"


async def test_what_either_side_sends_after_too_long_a_silence_vanishes(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    net.link("a", "b").idle_drop_seconds = IDLE_DROP_SECONDS
    near, far = await pair(net)
    async with near, far:
        await trio.sleep(IDLE_DROP_SECONDS + 1.0)
        for sender, receiver in ((near, far), (far, near)):
            assert sender.send_nowait(b"anybody there?") == 14
            with trio.move_on_after(1000) as patience:
                await receiver.receive_some(100)
            assert patience.cancelled_caught, "neither bytes nor a reset come"


async def test_the_window_of_a_forgotten_connection_fills(net: VirtualNetwork) -> None:
    far_apart(net)
    net.link("a", "b").idle_drop_seconds = IDLE_DROP_SECONDS
    near, far = await pair(net)
    async with near, far:
        await trio.sleep(IDLE_DROP_SECONDS + 1.0)
        assert near.send_nowait(bytes(10**6)) == net.window_bytes
        assert near.send_nowait(b"x") == 0


@pytest.mark.parametrize("ending", ["close", "abort"])
async def test_neither_an_end_nor_a_reset_crosses_it(net: VirtualNetwork, ending: str) -> None:
    far_apart(net)
    net.link("a", "b").idle_drop_seconds = IDLE_DROP_SECONDS
    near, far = await pair(net)
    async with far:
        await trio.sleep(IDLE_DROP_SECONDS + 1.0)
        near.close() if ending == "close" else near.abort()
        with trio.move_on_after(1000) as patience:
            await far.receive_some(100)
        assert patience.cancelled_caught
        assert far.send_nowait(b"x") == 1, "it still believes in the connection"


async def test_what_was_forgotten_stays_forgotten_when_the_limit_is_lifted(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    link = net.link("a", "b")
    link.idle_drop_seconds = IDLE_DROP_SECONDS
    near, far = await pair(net)
    async with near, far:
        await trio.sleep(IDLE_DROP_SECONDS + 1.0)
        near.send_nowait(b"lost")
        link.idle_drop_seconds = None
        far.send_nowait(b"lost, too")
        with trio.move_on_after(1000) as patience:
            await near.receive_some(100)
        assert patience.cancelled_caught


async def test_exactly_the_limit_is_not_too_long(net: VirtualNetwork) -> None:
    far_apart(net)
    net.link("a", "b").idle_drop_seconds = IDLE_DROP_SECONDS
    near, far = await pair(net)
    async with near, far:
        near.send_nowait(b"one")
        await trio.sleep(IDLE_DROP_SECONDS)
        near.send_nowait(b"two")
        await trio.sleep(1.0)
        assert far.receive_nowait(100) == b"onetwo"


async def test_silence_begins_with_the_last_packet_of_the_handshake(net: VirtualNetwork) -> None:
    far_apart(net)
    net.link("a", "b").idle_drop_seconds = IDLE_DROP_SECONDS
    near, far = await pair(net)
    async with near, far:
        # The SYN arrived at 1.0; the last packet left at 2.0.
        await trio.sleep_until(2.0 + IDLE_DROP_SECONDS)
        near.send_nowait(b"just in time")
        assert await far.receive_some(100) == b"just in time"
