"""The inbox: how much it reads at once, and that no byte of it is lost or doubled."""

from contextlib import ExitStack

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, assert_checkpoints

from tests.net.wires import Recorded
from tests.support.world import World
from trio_lb.net.inbox import (
    BOUNDLESS,
    CROWD_READ,
    LARGEST_READ,
    MOST_LARGE_PIECES,
    Appetite,
    Inbox,
)


async def test_reads_sixteen_times_as_much_whenever_a_buffer_was_filled() -> None:
    stream = Recorded([bytes(2_000_000)])
    inbox = Inbox(stream, 4096)
    for _ in range(4):
        assert await inbox.fill()
    assert stream.asked == [4096, 65536, 524_288, 524_288]
    assert stream.asked[-1] == LARGEST_READ


async def test_never_reads_more_than_the_largest_read_however_large_it_began() -> None:
    stream = Recorded([bytes(2_000_000)])
    inbox = Inbox(stream, 100_000)
    for _ in range(3):
        await inbox.fill()
    assert stream.asked == [100_000, LARGEST_READ, LARGEST_READ]


async def test_reads_no_more_at_once_after_a_buffer_that_was_not_filled() -> None:
    stream = Recorded([bytes(4095), bytes(4095), bytes(4096), bytes(1)])
    inbox = Inbox(stream, 4096)
    for _ in range(4):
        await inbox.fill()
    assert stream.asked == [4096, 4096, 4096, 65536]


async def test_a_new_message_is_read_modestly_again() -> None:
    stream = Recorded([bytes(100_000)])
    inbox = Inbox(stream, 4096)
    await inbox.fill()
    await inbox.fill()
    inbox.begin()
    await inbox.fill()
    assert stream.asked == [4096, 65536, 4096]


@pytest.mark.parametrize(
    ("announced", "asked"), [(10, 4096), (5000, 5000), (LARGEST_READ + 1, LARGEST_READ)]
)
async def test_what_is_announced_is_read_at_once_up_to_the_largest_read(
    announced: int, asked: int
) -> None:
    stream = Recorded([bytes(1_000_000)])
    inbox = Inbox(stream, 4096)
    inbox.expect(announced)
    await inbox.fill()
    assert stream.asked == [asked]


async def test_a_slow_taker_is_read_for_in_pieces_of_64_kib_again() -> None:
    stream = Recorded([bytes(1_000_000)])
    inbox = Inbox(stream, 65536)
    for _ in range(2):
        await inbox.fill()
    inbox.slow_down()
    await inbox.fill()
    assert stream.asked == [65536, LARGEST_READ, 65536]


async def test_slowing_down_never_means_to_read_more() -> None:
    stream = Recorded([bytes(1_000_000)])
    inbox = Inbox(stream, 4096)
    inbox.slow_down()
    await inbox.fill()
    assert stream.asked == [4096]


async def test_what_comes_is_put_behind_what_was_not_used_yet() -> None:
    inbox = Inbox(Recorded([b"abc", b"def"]), 4096)
    await inbox.fill()
    assert inbox.take(1) == b"a"
    await inbox.fill()
    assert inbox.data == b"bcdef"


async def test_an_end_of_file_is_for_good_and_asked_for_once() -> None:
    stream = Recorded([b"last"])
    inbox = Inbox(stream, 4096)
    assert [await inbox.fill() for _ in range(4)] == [True, False, False, False]
    assert (inbox.ended, inbox.data, len(stream.asked)) == (True, b"last", 2)


async def test_a_reset_is_no_end_and_leaves_what_came_before() -> None:
    inbox = Inbox(Recorded([b"half"], broken=True), 4096)
    await inbox.fill()
    with pytest.raises(trio.BrokenResourceError):
        await inbox.fill()
    assert (inbox.ended, inbox.data) == (False, b"half")


class Scripted(Recorded):
    """A stream on which each piece comes a look later than the one before: None is nothing yet."""

    def __init__(self, *looks: bytes | None) -> None:
        super().__init__([])
        self.looks = list(looks)

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        self.asked.append(max_bytes)
        return self.looks.pop(0)


async def test_a_glance_gives_others_a_turn_and_takes_what_has_come() -> None:
    inbox = Inbox(Scripted(b"answer"), 4096)
    with assert_checkpoints():
        assert await inbox.glance()
    assert inbox.data == b"answer"


async def test_the_more_glances_were_in_vain_the_more_are_left_out() -> None:
    stream = Scripted(*[None] * 8)
    inbox = Inbox(stream, 4096)
    looked = []
    for number in range(130):
        before = len(stream.asked)
        assert not await inbox.glance()
        if len(stream.asked) > before:
            looked.append(number)
    assert looked == [0, 2, 6, 14, 30, 62, 94, 126], "then one in thirty-two"


async def test_one_glance_that_finds_something_forgets_those_in_vain() -> None:
    stream = Scripted(None, None, b"here", None, b"again")
    inbox = Inbox(stream, 4096)
    found = [await inbox.glance() for _ in range(10)]
    assert [number for number, good in enumerate(found) if good] == [6, 9]
    assert inbox.data == b"hereagain"


async def test_a_glance_that_finds_something_is_followed_by_another() -> None:
    inbox = Inbox(Scripted(b"a", b"b", b""), 4096)
    assert [await inbox.glance() for _ in range(3)] == [True, True, False]
    assert (inbox.data, inbox.ended) == (b"ab", True)
    assert not await inbox.glance()
    assert not await inbox.fill()


async def test_a_glance_reads_as_much_as_a_wait_would() -> None:
    stream = Recorded([bytes(1_000_000)])
    inbox = Inbox(stream, 4096)
    for _ in range(2):
        await inbox.glance()
    inbox.begin()
    await inbox.glance()
    assert stream.asked == [4096, 65536, 4096]


async def test_a_cancelled_glance_has_read_nothing() -> None:
    stream = Recorded([b"here"])
    inbox = Inbox(stream, 4096)
    with trio.CancelScope() as scope:
        scope.cancel()
        await inbox.glance()
    assert (scope.cancelled_caught, stream.asked, inbox.data) == (True, [], b"")


async def test_a_cancelled_fill_has_read_nothing(world: World) -> None:
    async def say(peer: object) -> None:
        await trio.sleep(10)
        await server.peers[0].send(b"late")

    server = await world.server("s1", say)
    client = await world.client(server.address)
    inbox = Inbox(client.stream, 4096)
    with trio.move_on_after(5) as scope:
        await inbox.fill()
    assert (scope.cancelled_caught, inbox.data, inbox.ended) == (True, b"", False)
    assert await inbox.fill()
    assert inbox.data == b"late"


@given(st.binary(max_size=40), st.lists(st.integers(0, 12)))
def test_whatever_is_taken_comes_in_order_and_the_rest_stays(
    data: bytes, limits: list[int]
) -> None:
    inbox = Inbox(Recorded([]), 4096)
    inbox.data = data
    taken = [inbox.take(limit) for limit in limits]
    assert b"".join(taken) + inbox.data == data
    left = len(data)
    for piece, limit in zip(taken, limits, strict=True):
        assert len(piece) == min(limit, left)
        left -= len(piece)


async def test_in_a_crowd_of_large_pieces_everybody_reads_small_ones() -> None:
    appetite, stream = Appetite(), Recorded([bytes(4_000_000)])
    inbox = Inbox(stream, 4096, appetite)
    inbox.expect(LARGEST_READ)
    piece = bytes(70_000)
    with ExitStack() as crowd:
        for _ in range(MOST_LARGE_PIECES - 1):
            crowd.enter_context(appetite.holding(piece))
        await inbox.fill()
        crowd.enter_context(appetite.holding(piece))
        await inbox.fill()
    await inbox.fill()
    assert stream.asked == [LARGEST_READ, CROWD_READ, LARGEST_READ]


async def test_a_large_read_that_is_awaited_is_one_of_the_crowd(
    autojump_clock: MockClock,
) -> None:
    appetite = Appetite()
    inboxes = [Inbox(Silent([]), 65536, appetite) for _ in range(MOST_LARGE_PIECES)]
    async with trio.open_nursery() as nursery:
        for inbox in inboxes:
            nursery.start_soon(inbox.fill)
        await trio.sleep(1)
        assert appetite.largest_read == CROWD_READ
        nursery.cancel_scope.cancel()
    assert appetite.largest_read == LARGEST_READ


def test_the_small_end_of_a_large_piece_does_not_keep_the_whole_alive() -> None:
    appetite = Appetite()
    piece = memoryview(bytes(500_000))
    with appetite.holding(piece[440_000:]) as held:
        assert isinstance(held, bytes)
        assert len(held) == 60_000
    with appetite.holding(piece[:400_000]) as held:
        assert held.obj is piece.obj if isinstance(held, memoryview) else False


async def test_what_may_rest_for_hours_is_not_counted(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(MOST_LARGE_PIECES):
            nursery.start_soon(Inbox(Silent([]), LARGEST_READ).fill)
        await trio.sleep(1)
        assert BOUNDLESS.largest_read == LARGEST_READ
        nursery.cancel_scope.cancel()


class Silent(Recorded):
    """A peer that sends nothing."""

    async def receive_some(self, max_bytes: int) -> bytes:
        await trio.sleep_forever()
        return b""
