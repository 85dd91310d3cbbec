"""How streams end, on the virtual network as on the loopback: ends of file, resets, closes."""

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.support.stage import Stage, fill, open_pair, receive_all, send_all, until
from trio_lb.net.env import Stream


async def send_until_broken(stage: Stage, stream: Stream) -> None:
    """The kernel learns of a reset some time after the peer made it."""
    while True:
        await stream.send_some(b"x")
        await stage.pause()


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
