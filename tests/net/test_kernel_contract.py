"""What Linux does with sockets beyond what a stream promises: the virtual network does it, too.

These hold for plain connections only. What TLS and streams in memory promise as well is in
``test_stream_contract.py`` and ``test_ending_contract.py``.
"""

import errno
from contextlib import aclosing
from pathlib import Path

import pytest
import trio

from tests.support.stage import (
    LOOPBACK,
    Stage,
    connect,
    fill,
    listen,
    open_pair,
    receive_all,
    send_all,
    until,
)
from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, Listener, Network, Stream

# The end of a connection.


async def test_an_end_of_file_that_came_before_a_reset_stays_one(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, b"all of it")
        await near.send_eof()
        await until(stage, far.is_stale)
        await stage.pause()
        near.abort()
        assert await receive_all(far) == b"all of it"
        with pytest.raises(trio.BrokenResourceError):
            await send_until_broken(stage, far)
        assert await far.receive_some(100) == b""


async def test_an_end_of_file_that_nobody_has_read_is_nothing_unread(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near:
        await near.send_eof()
        await until(stage, far.is_stale)
        await far.aclose()
        assert await near.receive_some(100) == b""
        assert await near.receive_some(100) == b""


async def test_a_close_sends_what_is_in_the_kernel_and_then_the_end(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        size = fill(near)
        await near.aclose()
        assert len(await receive_all(far)) == size


async def test_nothing_can_be_said_after_a_reset_not_even_the_end(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        near.abort()
        await until(stage, far.is_stale)
        with pytest.raises(trio.BrokenResourceError):
            await far.send_eof()


async def test_a_close_with_bytes_unread_is_a_reset_after_the_end_was_said_too(
    stage: Stage,
) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await near.send_eof()
        assert await far.receive_some(100) == b""
        await send_all(far, b"nobody reads this")
        await until(stage, near.is_stale)
        await near.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await send_until_broken(stage, far)


async def test_who_was_reset_before_it_was_accepted_is_accepted_as_that(stage: Stage) -> None:
    async with aclosing(await listen(stage)) as listener:
        near = await stage.env("client").network.connect(listener.address)
        await send_all(near, b"last words")
        near.abort()
        (far,) = await accept(listener, 1)
        async with far:
            assert await far.receive_some(100) == b"last words"
            with pytest.raises(trio.BrokenResourceError):
                await far.receive_some(100)


async def test_both_may_end_before_either_closes(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        for one in (near, far):
            await one.send_eof()
        for one in (near, far):
            assert await one.receive_some(100) == b""
        await far.aclose()
        assert await near.receive_some(100) == b"", "a close says nothing that was not said"


async def send_until_broken(stage: Stage, stream: Stream) -> None:
    """Send until the answer, a reset, is there."""
    for _ in range(1000):
        stream.send_nowait(b"x")
        await stage.pause()


# Addresses and queues.


async def test_those_who_wait_are_accepted_in_the_order_in_which_they_came(stage: Stage) -> None:
    network = stage.env("client").network
    async with aclosing(await listen(stage)) as listener:
        nears = [await network.connect(listener.address) for _ in range(5)]
        fars = await accept(listener, 5)
        assert [far.peer.port for far in fars] == [near.local.port for near in nears]
        for end in (*nears, *fars):
            await end.aclose()


async def test_a_port_is_free_again_though_its_connections_live_on(stage: Stage) -> None:
    listener = await listen(stage)
    near, far = await connect(stage, listener)
    await listener.aclose()
    async with near, far:
        async with aclosing(await stage.env("server").network.listen(listener.address)) as again:
            other, another = await connect(stage, again)
            async with other, another:
                await send_all(near, b"old")
                await send_all(other, b"new")
                assert await far.receive_some(100) == b"old"
                assert await another.receive_some(100) == b"new"


async def test_a_wildcard_of_each_family_may_have_the_same_port(stage: Stage) -> None:
    network = stage.env("server").network
    async with (
        aclosing(await network.listen(Address("0.0.0.0", 0))) as four,
        aclosing(await listen_six(stage, network, Address("::", four.address.port))) as six,
    ):
        for listener, host in ((four, "127.0.0.1"), (six, "::1")):
            async with await network.connect(Address(host, four.address.port)):
                (far,) = await listener.accept_batch(16)
                await far.aclose()


async def test_a_wildcard_of_one_family_refuses_the_other(stage: Stage) -> None:
    network = stage.env("server").network
    async with aclosing(await listen_six(stage, network, Address("::", 0))) as six:
        with pytest.raises(ConnectError) as caught:
            await network.connect(Address("127.0.0.1", six.address.port))
        assert caught.value.refused


@pytest.mark.parametrize("nowhere", ["0.0.0.0", "::"])
async def test_who_dials_no_address_reaches_its_own_host(stage: Stage, nowhere: str) -> None:
    network = stage.env("server").network
    loopback = "127.0.0.1" if nowhere == "0.0.0.0" else "::1"
    async with aclosing(await listen_six(stage, network, Address(loopback, 0))) as listener:
        async with await network.connect(Address(nowhere, listener.address.port)):
            (far,) = await listener.accept_batch(16)
            async with far:
                assert (far.local.host, far.peer.host) == (loopback, loopback)


async def test_each_address_of_the_loopback_is_one_of_its_own(stage: Stage) -> None:
    network = stage.env("server").network
    async with aclosing(await network.listen(Address("127.0.0.1", 0))) as one:
        with pytest.raises(ConnectError) as caught:
            await network.connect(Address("127.0.0.2", one.address.port))
        assert caught.value.refused
        async with aclosing(await network.listen(Address("127.0.0.2", one.address.port))) as two:
            async with await network.connect(two.address):
                (far,) = await two.accept_batch(16)
                await far.aclose()


async def accept(listener: Listener, count: int) -> list[Stream]:
    """Accept until so many are there."""
    streams: list[Stream] = []
    while len(streams) < count:
        streams += await listener.accept_batch(count)
    return streams


async def listen_six(stage: Stage, network: Network, address: Address) -> Listener:
    """Listen; skip the test on a machine that has no IPv6."""
    try:
        return await network.listen(address)
    except OSError as error:
        if stage.kind == LOOPBACK and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            pytest.skip("no IPv6 here")
        raise


# Unix sockets: no packets, so nothing is answered by a reset; and no reset but for bytes unread.


async def unix_pair(stage: Stage, folder: Path) -> tuple[Stream, Stream]:
    """Two ends of a connection over a unix socket."""
    network = stage.env("server").network
    async with aclosing(await network.listen(Address(f"unix:{folder}/app.sock", 0))) as listener:
        near = await network.connect(listener.address)
        (far,) = await listener.accept_batch(16)
        return near, far


async def test_a_unix_path_has_one_listener_only(stage: Stage, tmp_path: Path) -> None:
    network, address = stage.env("server").network, Address(f"unix:{tmp_path}/app.sock", 0)
    async with aclosing(await network.listen(address)):
        with pytest.raises(OSError):
            await network.listen(address)


async def test_a_unix_socket_without_a_place_says_so_at_once(stage: Stage, tmp_path: Path) -> None:
    network, address = stage.env("server").network, Address(f"unix:{tmp_path}/app.sock", 0)
    async with aclosing(await network.listen(address, backlog=0)) as listener:
        async with await network.connect(address):
            with pytest.raises(
                ConnectError, match=r"(?i)resource temporarily unavailable"
            ) as caught:
                await network.connect(address)
            assert (caught.value.refused, caught.value.ours) == (True, False)
            (far,) = await listener.accept_batch(16)
            async with far, await network.connect(address):
                (another,) = await listener.accept_batch(16)
                await another.aclose()


async def test_aborting_a_unix_socket_is_an_end_of_file(stage: Stage, tmp_path: Path) -> None:
    near, far = await unix_pair(stage, tmp_path)
    async with far:
        await send_all(near, b"part")
        near.abort()
        assert await receive_all(far) == b"part"


async def test_closing_a_unix_socket_with_bytes_unread_is_a_reset(
    stage: Stage, tmp_path: Path
) -> None:
    near, far = await unix_pair(stage, tmp_path)
    async with near, far:
        await send_all(far, b"nobody reads this")
        await send_all(near, b"part")
        await near.aclose()
        assert await far.receive_some(100) == b"part"
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some(100)


async def test_the_first_send_into_a_closed_unix_socket_fails(stage: Stage, tmp_path: Path) -> None:
    near, far = await unix_pair(stage, tmp_path)
    async with near, far:
        await near.aclose()
        with pytest.raises(trio.BrokenResourceError):
            far.send_nowait(b"into the void")
        assert await far.receive_some(100) == b""
