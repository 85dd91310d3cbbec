"""A prefaced stream: the bytes that were read before come first, and the rest is the stream's."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from tests.net.wires import Recorded, split
from tests.support.stage import Stage, open_pair, receive_all, send_all, until
from trio_lb.model.address import Address
from trio_lb.net.env import Stream
from trio_lb.net.inbox import Inbox
from trio_lb.net.prefaced import PrefacedStream

CLIENT, SERVICE = Address("203.0.113.9", 5555), Address("198.51.100.1", 443)


async def test_the_preface_comes_first_and_then_what_is_sent(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, b"preface") as stream:
        await send_all(near, b"and more")
        await near.send_eof()
        assert [await stream.receive_some(4), await stream.receive_some(4)] == [b"pref", b"ace"]
        assert await receive_all(stream) == b"and more"


async def test_each_receive_of_the_preface_yields(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, b"ab") as stream:
        for expected in (b"a", b"b"):
            with assert_checkpoints():
                assert await stream.receive_some(1) == expected


async def test_a_receive_without_waiting_takes_the_preface_and_then_the_stream(
    stage: Stage,
) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, b"abc") as stream:
        assert [stream.receive_nowait(2), stream.receive_nowait(9)] == [b"ab", b"c"]
        assert stream.receive_nowait(9) is None
        await send_all(near, b"d")
        await until(stage, stream.is_stale)
        assert stream.receive_nowait(9) == b"d"


async def test_a_cancelled_receive_leaves_the_preface_whole(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, b"kept") as stream:
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.receive_some(2)
        assert scope.cancelled_caught
        assert await stream.receive_some(100) == b"kept"


async def test_its_ends_go_by_the_names_that_were_given(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, peer=CLIENT, local=SERVICE) as stream:
        assert (stream.peer, stream.local) == (CLIENT, SERVICE)


async def test_an_end_without_a_new_name_keeps_its_own(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, b"x") as stream:
        assert (stream.peer, stream.local) == (far.peer, far.local)


async def test_it_is_stale_as_long_as_its_preface_waits(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, b"x") as stream:
        assert stream.is_stale()
        await stream.receive_some(1)
        assert not stream.is_stale()
        await near.send_eof()
        await until(stage, stream.is_stale)


async def test_without_a_preface_it_answers_with_the_stream_s_own_methods(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, b"x") as stream:
        assert stream.send_nowait == far.send_nowait
        assert stream.receive_some != far.receive_some
        await stream.receive_some(1)
        assert stream.receive_some == far.receive_some


async def test_it_sends_ends_and_resets_as_the_stream_does(stage: Stage) -> None:
    near, far = await open_pair(stage)
    async with near, PrefacedStream(far, b"x") as stream:
        assert stream.send_nowait(b"now ") == 4
        assert await stream.send_some(b"later") == 5
        await stream.send_eof()
        assert await receive_all(near) == b"now later"
        stream.abort()
        with pytest.raises(trio.BrokenResourceError):
            await _write_on(near)


async def _write_on(stream: Stream) -> None:
    while True:
        await stream.send_some(b"x" * 65536)


@pytest.mark.parametrize("how", ["close", "aclose", "abort"])
async def test_once_closed_its_preface_is_gone(stage: Stage, how: str) -> None:
    near, far = await open_pair(stage)
    async with near:
        stream = PrefacedStream(far, b"preface")
        if how == "aclose":
            await stream.aclose()
        else:
            getattr(stream, how)()
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some(7)
        assert stream.is_stale()


async def test_two_receivers_share_no_byte_of_it(stage: Stage, nursery: trio.Nursery) -> None:
    near, far = await open_pair(stage)
    got: list[bytes] = []

    async def receive() -> None:
        got.append(await stream.receive_some(7))

    async with near, PrefacedStream(far, b"preface") as stream:
        nursery.start_soon(receive)
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        assert got == [b"preface"]
        await send_all(near, b"the second's")
        await until(stage, lambda: len(got) == 2)
        assert got == [b"preface", b"the sec"]


@given(st.binary(max_size=200), st.integers(0, 200), st.lists(st.integers(0, 200)), st.data())
def test_whatever_was_read_before_the_whole_is_the_whole(
    whole: bytes, read_before: int, cuts: list[int], draw: st.DataObject
) -> None:
    preface, rest = whole[:read_before], whole[read_before:]
    sizes = draw.draw(st.lists(st.integers(1, 64), max_size=20))

    async def receive_it() -> bytes:
        stream = PrefacedStream(Recorded(split(rest, cuts)), preface)
        got = b""
        for size in sizes:
            piece = await stream.receive_some(size)
            assert len(piece) <= size
            got += piece
        return got + await receive_all(stream)

    assert trio.run(receive_it) == whole


async def test_an_inbox_reads_the_preface_like_any_other_bytes() -> None:
    inbox = Inbox(PrefacedStream(Recorded([b" HTTP/1.1"]), b"GET /"), 4096)
    while await inbox.fill():
        pass
    assert (inbox.data, inbox.ended) == (b"GET / HTTP/1.1", True)
