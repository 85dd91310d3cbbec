"""What a stream does on the virtual network it does on the loopback: every test runs on both."""

from contextlib import aclosing

import pytest
import trio
from trio.testing import assert_checkpoints, assert_no_checkpoints, wait_all_tasks_blocked

from tests.support.stage import (
    Stage,
    connect,
    fill,
    listen,
    open_pair,
    receive_all,
    send_all,
    until,
)
from trio_lb.net.env import Stream

MEBIBYTE = 1 << 20


# Bytes.


async def test_carries_bytes_both_ways(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, b"question")
        assert await far.receive_some(100) == b"question"
        await send_all(far, b"answer")
        assert await near.receive_some(100) == b"answer"


async def test_carries_a_mebibyte_exactly(stage: Stage, nursery: trio.Nursery) -> None:
    near, far = await open_pair(stage)
    data = stage.env("client").rng("payload").randbytes(MEBIBYTE)

    async def send() -> None:
        await send_all(near, data)
        await near.send_eof()

    async with near, far:
        nursery.start_soon(send)
        assert await receive_all(far) == data


async def test_gives_no_more_than_was_asked_for(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, b"abcdef")
        assert [await far.receive_some(2) for _ in range(3)] == [b"ab", b"cd", b"ef"]


async def test_takes_bytearrays_and_memoryviews_and_keeps_no_hold_of_them(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        buffer = bytearray(b"first")
        await near.send_some(memoryview(buffer))
        buffer[:] = b"other"
        assert await far.receive_some(100) == b"first"


async def test_a_receive_yields_to_other_tasks_even_when_bytes_wait(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, b"ab")
        await until(stage, far.is_stale)
        for expected in (b"a", b"b"):
            with assert_checkpoints():
                assert await far.receive_some(1) == expected


async def test_a_receive_without_waiting_never_yields_and_takes_what_has_come(
    stage: Stage,
) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        with assert_no_checkpoints():
            assert far.receive_nowait(100) is None
        await send_all(near, b"abc")
        await until(stage, far.is_stale)
        with assert_no_checkpoints():
            assert far.receive_nowait(2) == b"ab"
        assert await far.receive_some(2) == b"c"


async def test_a_receive_without_waiting_tells_the_end_from_nothing_yet(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        await near.aclose()
        await until(stage, far.is_stale)
        assert far.receive_nowait(100) == b""
        with pytest.raises(trio.ClosedResourceError):
            near.receive_nowait(100)


async def test_a_receive_without_waiting_sees_a_reset(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        near.abort()
        await until(stage, far.is_stale)
        with pytest.raises(trio.BrokenResourceError):
            far.receive_nowait(100)


async def test_a_send_without_waiting_never_yields(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        with assert_no_checkpoints():
            assert near.send_nowait(b"abc") == 3


async def test_a_full_stream_takes_nothing_until_its_reader_reads(
    stage: Stage, nursery: trio.Nursery
) -> None:
    near, far = await open_pair(stage)
    resumed: list[int] = []

    async def send_more() -> None:
        resumed.append(await near.send_some(b"y" * 100))

    async with near, far:
        filled = fill(near)
        assert filled >= 65536
        assert near.send_nowait(b"y") == 0
        nursery.start_soon(send_more)
        await wait_all_tasks_blocked()
        assert resumed == []
        read = 0
        while not resumed:
            read += len(await far.receive_some(65536))
        while read < filled + resumed[0]:
            read += len(await far.receive_some(65536))
        assert read == filled + resumed[0]


async def test_takes_a_part_of_what_is_more_than_its_room(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        assert 0 < near.send_nowait(bytes(64 * MEBIBYTE)) < 64 * MEBIBYTE
        far.abort()


async def test_a_cancelled_receive_loses_nothing(stage: Stage, nursery: trio.Nursery) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        with trio.CancelScope() as scope:
            nursery.start_soon(_cancel_when_blocked, scope)
            await far.receive_some(100)
        assert scope.cancelled_caught
        await send_all(near, b"kept")
        await until(stage, far.is_stale)
        with trio.CancelScope() as scope:
            scope.cancel()
            await far.receive_some(100)
        assert scope.cancelled_caught
        assert await far.receive_some(100) == b"kept"


async def _cancel_when_blocked(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_a_cancelled_send_has_sent_nothing(stage: Stage, nursery: trio.Nursery) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        filled = fill(near)
        with trio.CancelScope() as scope:
            nursery.start_soon(_cancel_when_blocked, scope)
            await near.send_some(b"lost")
        assert scope.cancelled_caught
        nursery.start_soon(near.send_eof)  # It may have to wait for the bytes before it.
        assert len(await receive_all(far)) == filled


# Our own close, and two tasks at once.


async def test_a_closed_stream_does_nothing_more(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        await near.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await near.receive_some(100)
        with pytest.raises(trio.ClosedResourceError):
            near.send_nowait(b"x")
        with pytest.raises(trio.ClosedResourceError):
            await near.send_some(b"x")
        with pytest.raises(trio.ClosedResourceError):
            await near.send_eof()


async def test_closing_wakes_our_own_receiver(stage: Stage, nursery: trio.Nursery) -> None:
    near, far = await open_pair(stage)
    async with far:

        async def close_when_blocked() -> None:
            await wait_all_tasks_blocked()
            await near.aclose()

        nursery.start_soon(close_when_blocked)
        with pytest.raises(trio.ClosedResourceError):
            await near.receive_some(100)


async def test_aborting_wakes_our_own_sender(stage: Stage, nursery: trio.Nursery) -> None:
    near, far = await open_pair(stage)
    async with far:
        fill(near)

        async def abort_when_blocked() -> None:
            await wait_all_tasks_blocked()
            near.abort()

        nursery.start_soon(abort_when_blocked)
        with pytest.raises(trio.ClosedResourceError):
            await near.send_some(b"x")


async def test_closing_and_aborting_again_change_nothing(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        await near.aclose()
        await near.aclose()
        near.abort()
        assert await far.receive_some(100) == b""


async def test_a_second_receiver_is_told_that_the_stream_is_busy(
    stage: Stage, nursery: trio.Nursery
) -> None:
    near, far = await open_pair(stage)
    got: list[bytes] = []

    async def receive() -> None:
        got.append(await near.receive_some(1))

    async with near, far:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await near.receive_some(1)
        await send_all(far, b"x")
        await until(stage, lambda: got == [b"x"])


async def test_a_second_sender_is_told_that_the_stream_is_busy(
    stage: Stage, nursery: trio.Nursery
) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        fill(near)
        with trio.CancelScope() as scope:
            nursery.start_soon(_send_in, scope, near)
            await wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await near.send_some(b"x")
        scope.cancel()


async def _send_in(scope: trio.CancelScope, stream: Stream) -> None:
    with pytest.raises(trio.ClosedResourceError):
        await stream.send_some(b"x")


async def test_one_task_may_send_while_another_receives(
    stage: Stage, nursery: trio.Nursery
) -> None:
    near, far = await open_pair(stage)
    got: list[bytes] = []

    async def receive() -> None:
        got.append(await near.receive_some(100))

    async with near, far:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        await send_all(near, b"question")
        assert await far.receive_some(100) == b"question"
        await send_all(far, b"answer")
        await until(stage, lambda: got == [b"answer"])


# Staleness of an idle stream.


async def test_a_quiet_stream_is_fresh(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, b"x")
        assert await far.receive_some(100) == b"x"
        assert (near.is_stale(), far.is_stale()) == (False, False)


async def test_a_stream_is_stale_after_the_peer_s_end(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await far.send_eof()
        await until(stage, near.is_stale)


async def test_a_stream_is_stale_after_a_reset(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near:
        far.abort()
        await until(stage, near.is_stale)


async def test_a_stream_is_stale_when_bytes_came_unasked(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(far, b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        await until(stage, near.is_stale)
        assert near.is_stale(), "asking takes nothing away"
        assert (await near.receive_some(100)).startswith(b"HTTP/1.1 408")


async def test_a_stream_of_ours_that_is_closed_is_stale(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        await near.aclose()
        assert near.is_stale()


# Addresses.


async def test_both_ends_know_both_addresses(stage: Stage) -> None:
    async with aclosing(await listen(stage)) as listener:
        near, far = await connect(stage, listener)
        async with near, far:
            assert near.peer == far.local == listener.address
            assert far.peer == near.local
            assert near.local.port != listener.address.port


async def test_a_literal_resolves_to_itself(stage: Stage) -> None:
    assert list(await stage.env("client").network.resolve("10.1.2.3")) == ["10.1.2.3"]


async def test_localhost_is_a_name_of_one_s_own(stage: Stage) -> None:
    assert "127.0.0.1" in await stage.env("client").network.resolve("localhost")
