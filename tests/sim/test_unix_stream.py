"""A unix socket: what is no reset there, and what a send says that TCP would say later."""

import pytest
import trio

from trio_lb.model.address import Address
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.stream import VirtualStream
from trio_lb.sim.unix_stream import UnixStream

APP = Address("unix:/run/app.sock", 0)


async def unix_pair(net: VirtualNetwork) -> tuple[VirtualStream, VirtualStream]:
    """Both ends of a connection within the host ``a``."""
    host = net.host("a")
    listener = await host.listen(APP)
    near = await host.connect(APP)
    (far,) = await listener.accept_batch(1)
    await listener.aclose()
    return near, far


async def test_both_ends_are_of_that_kind_and_nothing_takes_time(net: VirtualNetwork) -> None:
    near, far = await unix_pair(net)
    async with near, far:
        assert isinstance(near, UnixStream)
        assert isinstance(far, UnixStream)
        near.send_nowait(b"x")
        assert await far.receive_some(1) == b"x"
        assert trio.current_time() == 0.0


async def test_an_abort_is_a_close_unless_bytes_are_unread(net: VirtualNetwork) -> None:
    for unread in (b"", b"x"):
        near, far = await unix_pair(net)
        async with near, far:
            far.send_nowait(unread)
            near.abort()
            assert (far.has_ended, far.is_reset) == (not unread, bool(unread))


async def test_who_sends_to_a_closed_end_is_told_at_once(net: VirtualNetwork) -> None:
    near, far = await unix_pair(net)
    async with near, far:
        far.close()
        with pytest.raises(trio.BrokenResourceError, match=r"send to unix:.*: broken pipe"):
            near.send_nowait(b"x")
        assert not near.is_reset
        assert await near.receive_some(1) == b""
