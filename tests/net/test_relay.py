"""Sending with an end in sight: progress is all that a slow peer has to show."""

import pytest
import trio

from tests.support.stage import VirtualStage, fill, open_pair, receive_all
from trio_lb.net.env import Stream
from trio_lb.net.relay import Stalled, linger, send_all
from trio_lb.sim.network import VirtualNetwork


async def pair(net: VirtualNetwork) -> tuple[Stream, Stream]:
    """Two ends without latency."""
    net.link("client", "server").set_latency(0.0)
    return await open_pair(VirtualStage(net))


async def test_what_fits_is_sent_without_a_checkpoint(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    with trio.CancelScope() as scope:
        scope.cancel()
        await send_all(near, b"hello", 30.0)
    assert not scope.cancelled_caught
    near.close()
    assert await receive_all(far) == b"hello"
    far.close()


async def test_a_peer_that_takes_nothing_is_given_up_after_the_stall(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    fill(near)
    with pytest.raises(Stalled, match="took nothing for 30 s"):
        await send_all(near, b"x", 30.0)
    assert trio.current_time() == 30.0
    near.abort()
    far.close()


async def test_every_byte_that_is_taken_starts_the_stall_anew(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    fill(near)

    async def sip() -> None:
        for _ in range(3):
            await trio.sleep(29.0)
            await far.receive_some(100)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sip)
        with pytest.raises(Stalled):
            await send_all(near, b"x" * 1000, 30.0)
        assert trio.current_time() == 3 * 29.0 + 30.0
    near.abort()
    far.abort()


async def test_a_peer_that_is_gone_is_told(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    fill(near)
    far.abort()
    with pytest.raises(trio.BrokenResourceError):
        await send_all(near, b"x" * 1_000_000, 30.0)
    near.close()


async def test_lingering_ends_with_the_peer(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    near.send_nowait(b"last words")

    async def leave() -> None:
        await trio.sleep(0.5)
        far.send_nowait(b"still talking")
        await trio.sleep(0.5)
        assert await receive_all(far) == b"last words"
        far.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave)
        await linger(near, 2.0)
        assert trio.current_time() == 1.0
    near.close()


async def test_lingering_has_an_end_for_a_peer_that_has_none(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    await linger(near, 2.0)
    assert trio.current_time() == 2.0
    near.close()
    far.close()


async def test_lingering_with_a_peer_that_is_gone_is_over_at_once(net: VirtualNetwork) -> None:
    near, far = await pair(net)
    far.abort()
    await linger(near, 2.0)
    assert trio.current_time() == 0.0
    near.close()
