"""A stream in trio's dress keeps trio's promises."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.stage import VirtualStage, open_pair, receive_all
from trio_lb.net.trio_stream import TrioStream
from trio_lb.sim.network import VirtualNetwork


async def test_it_sends_everything_however_full_the_window_is(net: VirtualNetwork) -> None:
    near, far = await open_pair(VirtualStage(net))
    data, got = b"x" * (3 * net.window_bytes), []

    async def read() -> None:
        got.append(await receive_all(far))

    async with TrioStream(near) as dressed, trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await dressed.wait_send_all_might_not_block()
        await dressed.send_all(b"")
        await dressed.send_all(data)
        await dressed.aclose()
    far.close()
    assert got == [data]


async def test_it_receives_what_there_is_then_the_end(net: VirtualNetwork) -> None:
    near, far = await open_pair(VirtualStage(net))
    async with TrioStream(near) as dressed:
        far.send_nowait(b"hello")
        far.close()
        assert await dressed.receive_some(2) == b"he"
        assert await dressed.receive_some() == b"llo"
        assert await dressed.receive_some() == b""


async def test_a_reset_breaks_it(net: VirtualNetwork) -> None:
    near, far = await open_pair(VirtualStage(net))
    async with TrioStream(near) as dressed:
        far.abort()
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BrokenResourceError):
            await dressed.receive_some()
    assert "TrioStream over" in repr(dressed)
