"""What only a stream in memory promises: its bound, pieces kept as they are, and no task."""

from collections.abc import Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, assert_checkpoints, wait_all_tasks_blocked

from tests.support.clock import run_in_virtual_time
from trio_lb.model.address import Address
from trio_lb.net.memory import DEFAULT_CAPACITY, MemoryStream, memory_stream_pair

HERE = Address("lb", 1)
THERE = Address("app", 2)


def pair(capacity: int = DEFAULT_CAPACITY) -> tuple[MemoryStream, MemoryStream]:
    return memory_stream_pair(HERE, THERE, capacity=capacity)


def test_each_end_knows_both_addresses() -> None:
    near, far = pair()
    assert (near.local, near.peer) == (HERE, THERE)
    assert (far.local, far.peer) == (THERE, HERE)


async def test_takes_exactly_its_capacity_and_then_nothing() -> None:
    near, far = pair(capacity=10)
    assert [near.send_nowait(b"abcdefg") for _ in range(3)] == [7, 3, 0]
    assert await far.receive_some(100) == b"abcdefgabc"
    assert near.send_nowait(b"x" * 100) == 10


def test_the_two_directions_have_a_capacity_each() -> None:
    near, far = pair(capacity=4)
    assert (near.send_nowait(b"123456"), far.send_nowait(b"123456")) == (4, 4)


def test_a_capacity_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 byte, not 0"):
        pair(capacity=0)


async def test_a_whole_piece_of_bytes_arrives_without_a_copy() -> None:
    near, far = pair()
    piece = b"x" * 4096
    near.send_nowait(piece)
    assert await far.receive_some(65536) is piece


async def test_pieces_that_wait_together_are_read_together() -> None:
    near, far = pair()
    for piece in (b"a" * 1000, b"b" * 1000, b"c" * 1000):
        near.send_nowait(piece)
    assert await far.receive_some(1500) == b"a" * 1000 + b"b" * 500
    assert await far.receive_some(65536) == b"b" * 500 + b"c" * 1000


async def test_a_thousand_short_sends_are_kept_in_few_pieces() -> None:
    near, far = pair()
    for _ in range(1000):
        near.send_nowait(b"x")
    assert len(near._outgoing._pieces) == 2
    assert await far.receive_some(65536) == b"x" * 1000


async def test_a_receiver_that_has_to_wait_is_woken_by_the_send() -> None:
    near, far = pair()
    got: list[bytes] = []

    async def receive() -> None:
        with assert_checkpoints():
            got.append(await far.receive_some(10))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert got == []
        near.send_nowait(b"now")
    assert got == [b"now"]


async def test_nothing_to_send_needs_no_room() -> None:
    near, _ = pair(capacity=1)
    near.send_nowait(b"x")
    with assert_checkpoints():
        assert await near.send_some(b"") == 0


async def test_names_itself_and_its_state() -> None:
    near, _ = pair()
    assert repr(near) == "<MemoryStream lb:1 to app:2, open>"
    await near.send_eof()
    assert repr(near).endswith("finished>")
    near.close()
    assert repr(near).endswith("closed>")


@given(
    sends=st.lists(st.binary(min_size=1, max_size=700), max_size=20),
    read_sizes=st.lists(st.integers(1, 900), min_size=1, max_size=20),
    capacity=st.integers(1, 1000),
)
def test_any_split_of_sends_and_reads_carries_the_same_bytes(
    sends: list[bytes], read_sizes: list[int], capacity: int
) -> None:
    async def main() -> bytes:
        near, far = pair(capacity)

        async def send() -> None:
            for piece in sends:
                rest = memoryview(piece)
                while rest:
                    rest = rest[await near.send_some(rest) :]
            near.close()

        received = b""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            while True:
                size = read_sizes[len(received) % len(read_sizes)]
                data = await far.receive_some(size)
                assert len(data) <= min(size, capacity)
                if not data:
                    break
                received += data
        return received

    assert run_in_virtual_time(main) == b"".join(sends)


@pytest.mark.parametrize("leave", [MemoryStream.close, MemoryStream.abort])
@pytest.mark.parametrize("who", ["near", "far"])
async def test_a_leaving_is_known_at_once_behind_bytes_that_nobody_read(
    leave: Callable[[MemoryStream], None], who: str, autojump_clock: MockClock
) -> None:
    near, far = pair()
    near.send_nowait(b"unread")

    async def leave_after_a_second() -> None:
        await trio.sleep(1.0)
        leave(near if who == "near" else far)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave_after_a_second)
        await far.wait_gone()
    assert trio.current_time() == 1.0
    with assert_checkpoints():
        await far.wait_gone()


async def test_a_peer_that_only_sends_no_more_has_not_left(autojump_clock: MockClock) -> None:
    near, far = pair()
    await near.send_eof()
    with trio.move_on_after(5.0) as patience:
        await far.wait_gone()
    assert patience.cancelled_caught
