"""What connecting and listening do on the virtual network they do on the loopback."""

import os
import resource
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.stage import Stage, VirtualStage, connect, listen, receive_all, send_all, until
from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, Listener, OutOfDescriptors, Stream


async def closed_address(stage: Stage) -> Address:
    """An address at which somebody listened, and nobody does any more."""
    listener = await listen(stage)
    await listener.aclose()
    return listener.address


async def accept(listener: Listener, count: int, limit: int = 64) -> list[Stream]:
    """Accept until ``count`` connections are there."""
    streams: list[Stream] = []
    while len(streams) < count:
        streams += await listener.accept_batch(limit)
    return streams


# Connecting.


async def test_a_port_where_nobody_listens_refuses(stage: Stage) -> None:
    address = await closed_address(stage)
    with pytest.raises(ConnectError) as caught:
        await stage.env("client").network.connect(address)
    assert caught.value.refused


async def test_a_connect_error_names_the_address(stage: Stage) -> None:
    address = await closed_address(stage)
    with pytest.raises(ConnectError, match=rf"127\.0\.0\.1:{address.port}|10\.0\.0\.1"):
        await stage.env("client").network.connect(address)


async def test_a_name_that_nobody_knows_is_not_a_refusal(stage: Stage) -> None:
    with pytest.raises(ConnectError) as caught:
        await stage.env("client").network.connect(Address("nobody.invalid", 80))
    assert not caught.value.refused


async def test_a_name_is_resolved_and_connected_to(stage: Stage) -> None:
    network = stage.env("server").network
    async with aclosing(await network.listen(Address("127.0.0.1", 0))) as listener:
        name = Address("localhost", listener.address.port)
        async with await network.connect(name) as near:
            (far,) = await listener.accept_batch(1)
            async with far:
                await send_all(near, b"by name")
                assert await far.receive_some(100) == b"by name"
                assert near.peer == name


async def test_a_connect_that_is_cancelled_leaves_nothing_open(stage: Stage) -> None:
    async with aclosing(await listen(stage)) as listener:
        with trio.CancelScope() as scope:
            scope.cancel()
            await stage.env("client").network.connect(listener.address)
        assert scope.cancelled_caught  # The fixtures look for what was left open.


async def test_a_connection_stands_before_it_is_accepted(stage: Stage) -> None:
    async with aclosing(await listen(stage)) as listener:
        async with await stage.env("client").network.connect(listener.address) as near:
            await send_all(near, b"early")
            (far,) = await listener.accept_batch(1)
            async with far:
                assert await far.receive_some(100) == b"early"


async def test_a_client_that_left_before_it_was_accepted_is_found_at_its_end(stage: Stage) -> None:
    async with aclosing(await listen(stage)) as listener:
        near = await stage.env("client").network.connect(listener.address)
        await near.aclose()
        (far,) = await listener.accept_batch(1)
        async with far:
            assert await receive_all(far) == b""


# Listening.


async def test_port_zero_becomes_a_real_port(stage: Stage) -> None:
    async with aclosing(await listen(stage)) as one, aclosing(await listen(stage)) as other:
        assert one.address.port > 0
        assert one.address.port != other.address.port


async def test_a_port_has_one_listener_only(stage: Stage) -> None:
    async with aclosing(await listen(stage)) as listener:
        with pytest.raises(OSError):
            await stage.env("server").network.listen(listener.address)


async def test_a_wildcard_takes_the_port_of_every_address(stage: Stage) -> None:
    network = stage.env("server").network
    async with aclosing(await network.listen(Address("0.0.0.0", 0))) as listener:
        with pytest.raises(OSError):
            await network.listen(Address("127.0.0.1", listener.address.port))
        async with await network.connect(Address("127.0.0.1", listener.address.port)) as near:
            (far,) = await listener.accept_batch(1)
            async with far:
                assert far.local == near.peer


async def test_an_address_of_somebody_else_cannot_be_listened_on(stage: Stage) -> None:
    with pytest.raises(OSError):
        await stage.env("server").network.listen(Address("192.0.2.7", 0))


async def test_a_port_is_free_again_after_its_listener_closed(stage: Stage) -> None:
    address = await closed_address(stage)
    async with aclosing(await stage.env("server").network.listen(address)) as listener:
        assert listener.address == address


async def test_accepting_waits_for_somebody(stage: Stage, nursery: trio.Nursery) -> None:
    accepted: list[Stream] = []

    async def accept_one(listener: Listener) -> None:
        accepted.extend(await listener.accept_batch(16))

    async with aclosing(await listen(stage)) as listener:
        nursery.start_soon(accept_one, listener)
        await wait_all_tasks_blocked()
        assert accepted == []
        async with await stage.env("client").network.connect(listener.address):
            await until(stage, lambda: len(accepted) == 1)
            await accepted[0].aclose()


async def test_a_batch_takes_all_that_wait_up_to_its_limit(stage: Stage) -> None:
    network = stage.env("client").network
    async with aclosing(await listen(stage)) as listener:
        clients = [await network.connect(listener.address) for _ in range(5)]
        first = list(await listener.accept_batch(3))
        rest = await accept(listener, 2)
        assert (len(first), len(rest)) == (3, 2)
        assert [far.peer for far in first + rest] == [near.local for near in clients]
        for stream in [*clients, *first, *rest]:
            await stream.aclose()


async def test_closing_wakes_who_accepts(stage: Stage, nursery: trio.Nursery) -> None:
    listener = await listen(stage)

    async def close_when_blocked() -> None:
        await wait_all_tasks_blocked()
        await listener.aclose()

    nursery.start_soon(close_when_blocked)
    with pytest.raises(trio.ClosedResourceError):
        await listener.accept_batch(1)


async def test_a_closed_listener_accepts_nothing_more(stage: Stage) -> None:
    listener = await listen(stage)
    await listener.aclose()
    await listener.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await listener.accept_batch(1)


async def test_a_second_accepter_is_told_that_the_listener_is_busy(
    stage: Stage, nursery: trio.Nursery
) -> None:
    listener = await listen(stage)

    async def accept_until_closed() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await listener.accept_batch(1)

    nursery.start_soon(accept_until_closed)
    await wait_all_tasks_blocked()
    with pytest.raises(trio.BusyResourceError):
        await listener.accept_batch(1)
    await listener.aclose()


async def test_accepted_connections_outlive_their_listener(stage: Stage) -> None:
    listener = await listen(stage)
    near, far = await connect(stage, listener)
    async with near, far:
        await listener.aclose()
        await send_all(near, b"still here")
        assert await far.receive_some(100) == b"still here"


async def test_connections_that_nobody_accepted_are_reset_with_their_listener(
    stage: Stage,
) -> None:
    listener = await listen(stage)
    async with await stage.env("client").network.connect(listener.address) as near:
        await listener.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(100)


# Processes that are killed, and that run out of descriptors.


async def kill(stage: Stage, listener: Listener, streams: list[Stream]) -> None:
    """Do what a kernel does for a process that was killed, and which had these open."""
    if isinstance(stage, VirtualStage):
        stage.net.host("server").crash(fin=True)
    else:
        await listener.aclose()
        for stream in streams:
            stream.close()


async def test_a_killed_process_ends_its_connections_and_its_port_refuses(stage: Stage) -> None:
    listener = await listen(stage)
    near, far = await connect(stage, listener)
    async with near:
        await kill(stage, listener, [far])
        assert await near.receive_some(100) == b""
        with pytest.raises(ConnectError) as caught:
            await stage.env("client").network.connect(listener.address)
        assert caught.value.refused


async def test_a_killed_process_that_had_not_read_everything_is_a_reset(stage: Stage) -> None:
    listener = await listen(stage)
    near, far = await connect(stage, listener)
    async with near:
        await send_all(near, b"nobody reads this")
        await until(stage, far.is_stale)
        await kill(stage, listener, [far])
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(100)


async def test_who_waited_for_a_killed_process_is_reset(stage: Stage) -> None:
    listener = await listen(stage)
    async with await stage.env("client").network.connect(listener.address) as near:
        await kill(stage, listener, [])
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(100)


@contextmanager
def no_descriptor_left(stage: Stage, host: str) -> Iterator[None]:
    """Let the host's process have as many descriptors as it uses, and no more."""
    if isinstance(stage, VirtualStage):
        descriptors = stage.net.host(host).descriptors
        descriptors.limit = descriptors.used
        yield
        descriptors.limit = None
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_free = os.open(os.devnull, os.O_RDONLY)
    os.close(next_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_dialling_without_a_descriptor_is_our_own_fault_and_passes(stage: Stage) -> None:
    async with aclosing(await listen(stage)) as listener:
        with no_descriptor_left(stage, "client"), pytest.raises(ConnectError) as caught:
            await stage.env("client").network.connect(listener.address)
        assert caught.value.ours
        near, far = await connect(stage, listener)
        near.close()
        far.close()


async def test_accepting_without_a_descriptor_fails_and_who_waits_keeps_waiting(
    stage: Stage,
) -> None:
    async with aclosing(await listen(stage)) as listener:
        async with await stage.env("client").network.connect(listener.address) as near:
            with no_descriptor_left(stage, "server"), pytest.raises(OutOfDescriptors):
                await listener.accept_batch(1)
            (far,) = await listener.accept_batch(1)
            async with far:
                await send_all(near, b"still here")
                assert await far.receive_some(100) == b"still here"


async def test_listening_without_a_descriptor_fails(stage: Stage) -> None:
    with no_descriptor_left(stage, "server"), pytest.raises(OSError):
        await listen(stage)


# Unix sockets.


async def test_a_unix_socket_carries_bytes_and_ends(stage: Stage, tmp_path: Path) -> None:
    network, address = stage.env("server").network, Address(f"unix:{tmp_path}/app.sock", 0)
    async with aclosing(await network.listen(address)) as listener:
        assert listener.address == address
        async with await network.connect(address) as near:
            (far,) = await listener.accept_batch(1)
            async with far:
                await send_all(near, b"hello")
                await near.send_eof()
                assert await receive_all(far) == b"hello"
                assert (near.peer, far.local, far.peer) == (address, address, Address("unix:", 0))


async def test_a_unix_path_where_nobody_listens_refuses(stage: Stage, tmp_path: Path) -> None:
    network, address = stage.env("server").network, Address(f"unix:{tmp_path}/app.sock", 0)
    listener = await network.listen(address)
    await listener.aclose()
    with pytest.raises(ConnectError) as caught:
        await network.connect(address)
    assert caught.value.refused
