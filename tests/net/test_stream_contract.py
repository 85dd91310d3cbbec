"""What a stream does on the virtual network it does on the loopback: every test runs on both."""

from contextlib import aclosing

import pytest
import trio
from trio.testing import assert_checkpoints, assert_no_checkpoints, wait_all_tasks_blocked

from tests.support.stage import (
    Stage,
    connect,
    listen,
    open_pair,
    receive_all,
    send_all,
    until,
)
from trio_lb.net.env import Stream

MEBIBYTE = 1 << 20


def fill(stream: Stream) -> int:
    """Send until nothing more fits; return how many bytes that were."""
    sent = 0
    while fitted := stream.send_nowait(b"x" * 65536):
        sent += fitted
    return sent


async def send_until_broken(stage: Stage, stream: Stream) -> None:
    """The kernel learns of a reset some time after the peer made it."""
    while True:
        await stream.send_some(b"x")
        await stage.pause()


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
        await near.send_eof()
        assert len(await receive_all(far)) == filled


# The end of file.


async def test_a_half_close_of_the_client_leaves_the_answer_flowing(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, b"question")
        await near.send_eof()
        assert await receive_all(far) == b"question"
        await send_all(far, b"answer")
        assert await near.receive_some(100) == b"answer"
        await far.send_eof()
        assert await near.receive_some(100) == b""


async def test_a_half_close_of_the_server_leaves_the_upload_flowing(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await far.send_eof()
        assert await near.receive_some(100) == b""
        await send_all(near, b"upload")
        assert await far.receive_some(100) == b"upload"


async def test_the_end_of_file_can_be_read_again(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, b"all")
        await near.send_eof()
        assert [await far.receive_some(100) for _ in range(3)] == [b"all", b"", b""]


async def test_saying_the_end_twice_changes_nothing(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await near.send_eof()
        await near.send_eof()
        assert [await far.receive_some(100) for _ in range(2)] == [b"", b""]


async def test_nothing_can_be_sent_after_the_end(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await near.send_eof()
        with pytest.raises(trio.BrokenResourceError):
            near.send_nowait(b"more")
        with pytest.raises(trio.BrokenResourceError):
            await near.send_some(b"more")


async def test_a_close_is_an_end_of_file_to_the_peer(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        await send_all(near, b"bye")
        await near.aclose()
        assert await receive_all(far) == b"bye"


async def test_leaving_its_block_closes_a_stream(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        async with near:
            pass
        assert await far.receive_some(100) == b""
        with pytest.raises(trio.ClosedResourceError):
            near.send_nowait(b"x")


async def test_a_close_happens_even_when_it_is_cancelled(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        with trio.CancelScope() as scope:
            scope.cancel()
            await near.aclose()
        assert await far.receive_some(100) == b""


# Resets.


async def test_an_abort_is_a_reset_to_a_receiver_that_waits(
    stage: Stage, nursery: trio.Nursery
) -> None:
    near, far = await open_pair(stage)
    async with near, far:

        async def abort_when_blocked() -> None:
            await wait_all_tasks_blocked()
            near.abort()

        nursery.start_soon(abort_when_blocked)
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some(100)


async def test_an_abort_is_a_reset_to_a_sender_that_waits(
    stage: Stage, nursery: trio.Nursery
) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        fill(near)

        async def abort_when_blocked() -> None:
            await wait_all_tasks_blocked()
            far.abort()

        nursery.start_soon(abort_when_blocked)
        with pytest.raises(trio.BrokenResourceError):
            await near.send_some(b"x")


async def test_a_reset_breaks_the_next_sends(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        near.abort()
        with pytest.raises(trio.BrokenResourceError):
            await send_until_broken(stage, far)
        with pytest.raises(trio.BrokenResourceError):
            far.send_nowait(b"x")


async def test_a_reset_is_never_taken_for_an_end_of_file(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        near.abort()
        for _ in range(3):
            with pytest.raises(trio.BrokenResourceError):
                await far.receive_some(100)


async def test_a_reset_that_a_send_met_is_not_an_end_of_file_either(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        near.abort()
        with pytest.raises(trio.BrokenResourceError):
            await send_until_broken(stage, far)
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some(100)


async def test_looking_whether_a_stream_is_stale_does_not_hide_its_reset(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        near.abort()
        await until(stage, far.is_stale)
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some(100)


async def test_bytes_that_came_before_a_reset_can_be_read(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await send_all(near, b"last words")
        near.abort()
        assert await far.receive_some(100) == b"last words"
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some(100)


async def test_a_close_with_bytes_unread_is_a_reset(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        await send_all(far, b"nobody reads this")
        await until(stage, near.is_stale)
        await near.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await far.receive_some(100)


async def test_a_close_after_all_was_read_is_no_reset(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        await send_all(far, b"read")
        assert await near.receive_some(100) == b"read"
        await near.aclose()
        assert await far.receive_some(100) == b""


async def test_a_closed_peer_answers_bytes_with_a_reset(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with far:
        await near.aclose()
        assert far.send_nowait(b"into the void") == 13
        with pytest.raises(trio.BrokenResourceError):
            await send_until_broken(stage, far)


async def test_what_a_peer_said_before_it_closed_survives_the_reset_that_follows(
    stage: Stage,
) -> None:
    near, far = await open_pair(stage)
    async with far:
        await send_all(near, b"413")
        await near.aclose()
        await until(stage, far.is_stale)
        with pytest.raises(trio.BrokenResourceError):
            await send_until_broken(stage, far)
        assert await receive_all(far) == b"413"


async def test_a_reset_reaches_an_end_that_said_its_own_end(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, far:
        await near.send_eof()
        assert await far.receive_some(100) == b""
        far.abort()
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(100)


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
