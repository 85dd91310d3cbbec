"""A bridge between two connections: every byte, every end, and exactly when it gives up."""

from collections.abc import AsyncGenerator, Callable, Sequence

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.support.clock import run_in_virtual_time
from tests.support.stage import Stage, VirtualStage, open_pair, receive_all, send_all
from trio_lb.model.address import Address
from trio_lb.net.bridge import Bridge, State
from trio_lb.net.env import Stream
from trio_lb.net.inbox import LARGEST_READ, Inbox
from trio_lb.net.memory import memory_stream_pair
from trio_lb.sim.network import VirtualNetwork

SILENCE = {State.OPEN: 100.0, State.CLIENT_DONE: 60.0, State.SERVER_DONE: 30.0}
STALL_SECONDS = 5.0


@attrs.frozen
class Scene:
    """Both far ends, and what joins them."""

    client: Stream
    server: Stream
    near: tuple[Stream, Stream]
    bridge: Bridge

    async def run(self, *acts: Callable[[], object]) -> State:
        """Run the bridge while each act happens, one second after the other."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_act, acts)
            await self.bridge.run()
        return self.bridge.state

    async def close(self) -> None:
        for stream in (self.client, self.server, *self.near):
            stream.close()
        await trio.lowlevel.checkpoint()


async def _act(acts: Sequence[Callable[[], object]]) -> None:
    for act in acts:
        await trio.sleep(1.0)
        act()


def joined(client: Stream, ours: Stream, theirs: Stream, server: Stream) -> Scene:
    bridge = Bridge(
        Inbox(ours, 1024), Inbox(theirs, 1024), silence=SILENCE, stall_seconds=STALL_SECONDS
    )
    return Scene(client, server, (ours, theirs), bridge)


@pytest.fixture
async def scene(net: VirtualNetwork) -> AsyncGenerator[Scene, None]:
    """A bridge in virtual time, between peers without latency."""
    net.link("client", "server").set_latency(0.0)
    client, ours = await open_pair(VirtualStage(net))
    theirs, server = await open_pair(VirtualStage(net))
    scene = joined(client, ours, theirs, server)
    yield scene
    await scene.close()


@pytest.fixture
async def any_scene(stage: Stage) -> AsyncGenerator[Scene, None]:
    """A bridge on either network."""
    client, ours = await open_pair(stage)
    theirs, server = await open_pair(stage)
    scene = joined(client, ours, theirs, server)
    yield scene
    await scene.close()


# ---------------------------------------------------------------------- bytes and ends


async def test_bytes_pass_both_ways_and_are_counted(
    any_scene: Scene, nursery: trio.Nursery
) -> None:
    nursery.start_soon(any_scene.bridge.run)
    await send_all(any_scene.client, b"question")
    assert await any_scene.server.receive_some(100) == b"question"
    await send_all(any_scene.server, b"answers")
    assert await any_scene.client.receive_some(100) == b"answers"
    assert (any_scene.bridge.bytes_up, any_scene.bridge.bytes_down) == (8, 7)
    assert any_scene.bridge.state is State.OPEN


async def test_an_end_of_the_client_leaves_the_server_talking(
    any_scene: Scene, nursery: trio.Nursery
) -> None:
    nursery.start_soon(any_scene.bridge.run)
    await send_all(any_scene.client, b"question")
    await any_scene.client.send_eof()
    assert await receive_all(any_scene.server) == b"question"
    states = [any_scene.bridge.state]
    await send_all(any_scene.server, b"answer")
    assert await any_scene.client.receive_some(100) == b"answer"
    any_scene.server.close()
    assert await receive_all(any_scene.client) == b""
    await wait_all_tasks_blocked()
    assert [*states, any_scene.bridge.state] == [State.CLIENT_DONE, State.COMPLETE]


async def test_an_end_of_the_server_leaves_the_client_talking(
    any_scene: Scene, nursery: trio.Nursery
) -> None:
    nursery.start_soon(any_scene.bridge.run)
    await send_all(any_scene.server, b"welcome")
    await any_scene.server.send_eof()
    assert await receive_all(any_scene.client) == b"welcome"
    states = [any_scene.bridge.state]
    await send_all(any_scene.client, b"bye")
    any_scene.client.close()
    assert await receive_all(any_scene.server) == b"bye"
    await wait_all_tasks_blocked()
    assert [*states, any_scene.bridge.state] == [State.SERVER_DONE, State.COMPLETE]


async def test_what_was_read_before_goes_first(scene: Scene, nursery: trio.Nursery) -> None:
    scene.bridge._up.source.data = b"early "
    scene.bridge._down.source.data = b"hello "
    scene.client.send_nowait(b"late")
    scene.server.send_nowait(b"client")
    nursery.start_soon(scene.bridge.run)
    await wait_all_tasks_blocked()
    assert await scene.server.receive_some(100) == b"early late"
    assert await scene.client.receive_some(100) == b"hello client"


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Pieces of these sizes; the last takes what is left."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [piece for piece in [*pieces, data[at:]] if piece]


payloads = st.binary(max_size=3000)
cuts = st.lists(st.integers(1, 700), max_size=8)


@settings(max_examples=60)
@given(
    payloads, payloads, cuts, cuts, st.integers(1, 300), st.lists(st.integers(1, 50), min_size=1)
)
def test_however_bytes_are_cut_both_ways_they_arrive_exactly(
    up: bytes,
    down: bytes,
    up_cuts: list[int],
    down_cuts: list[int],
    capacity: int,
    reads: list[int],
) -> None:
    async def say(stream: Stream, pieces: list[bytes]) -> None:
        for piece in pieces:
            await send_all(stream, piece)
        await stream.send_eof()

    async def hear(stream: Stream, heard: bytearray) -> None:
        sizes = iter(reads)
        while got := await stream.receive_some(next(sizes, 4096)):
            heard += got

    async def play() -> None:
        here, there = Address("client", 0), Address("server", 0)
        client, ours = memory_stream_pair(here, there, capacity=capacity)
        theirs, server = memory_stream_pair(here, there, capacity=capacity)
        scene = joined(client, ours, theirs, server)
        heard_up, heard_down = bytearray(), bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say, client, cut(up, up_cuts))
            nursery.start_soon(say, server, cut(down, down_cuts))
            nursery.start_soon(hear, server, heard_up)
            nursery.start_soon(hear, client, heard_down)
            assert await scene.bridge.run() is State.COMPLETE
        assert (bytes(heard_up), bytes(heard_down)) == (up, down)
        assert (scene.bridge.bytes_up, scene.bridge.bytes_down) == (len(up), len(down))
        await scene.close()

    run_in_virtual_time(play)


# ---------------------------------------------------------------------- breaks


@pytest.mark.parametrize(
    ("side", "state"), [("client", State.CLIENT_BROKE), ("server", State.SERVER_BROKE)]
)
async def test_a_reset_of_either_side_ends_it_at_once(
    scene: Scene, side: str, state: State
) -> None:
    assert await scene.run(getattr(scene, side).abort) is state
    assert trio.current_time() == 1.0


@pytest.mark.parametrize(
    ("ends", "breaks", "state"),
    [("client", "server", State.SERVER_BROKE), ("server", "client", State.CLIENT_BROKE)],
)
async def test_a_reset_after_the_other_side_s_end_is_a_break_too(
    scene: Scene, ends: str, breaks: str, state: State
) -> None:
    assert await scene.run(getattr(scene, ends).close, getattr(scene, breaks).abort) is state
    assert trio.current_time() == 2.0


@pytest.mark.parametrize(
    ("leaves", "state"), [("client", State.CLIENT_LEFT), ("server", State.SERVER_LEFT)]
)
async def test_who_closed_and_is_sent_more_has_left(
    scene: Scene, leaves: str, state: State
) -> None:
    stays: Stream = scene.server if leaves == "client" else scene.client
    talk = [lambda: stays.send_nowait(b"are you there?")] * 2
    assert await scene.run(getattr(scene, leaves).close, *talk) is state
    assert trio.current_time() == 3.0


@pytest.mark.parametrize(
    ("pours", "state"), [("client", State.SERVER_BROKE), ("server", State.CLIENT_BROKE)]
)
async def test_a_side_that_takes_nothing_for_the_stall_time_breaks(
    scene: Scene, pours: str, state: State
) -> None:
    piece = b"x" * 65536
    stream: Stream = getattr(scene, pours)
    assert await scene.run(*[lambda: stream.send_nowait(piece)] * 2) is state
    assert trio.current_time() == 2.0 + STALL_SECONDS


@pytest.mark.parametrize(
    ("leaves", "states"),
    [
        ("client", [State.CLIENT_DEAF, State.CLIENT_LEFT]),
        ("server", [State.SERVER_DEAF, State.SERVER_LEFT]),
    ],
)
async def test_what_a_side_said_before_it_deafened_is_carried_to_its_end(
    scene: Scene, leaves: str, states: list[State]
) -> None:
    """Its last words wait behind a slow reader when its reset comes."""
    leaver: Stream = getattr(scene, leaves)
    stays: Stream = scene.server if leaves == "client" else scene.client
    heard, passed = [], []

    async def read_late() -> None:
        await trio.sleep(4.0)
        passed.append(scene.bridge.state)
        heard.append(await receive_all(stays))

    async def say_it_all() -> None:
        await send_all(leaver, b"x" * 120_000)
        leaver.close()
        assert trio.current_time() == 0.0

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_late)
        nursery.start_soon(say_it_all)
        talk = [lambda: stays.send_nowait(b"are you there?")] * 6
        passed.append(await scene.run(*talk))
        await stays.send_eof()
        scene.near[0 if stays is scene.client else 1].close()
    assert (passed, heard) == (states, [b"x" * 120_000])


async def test_both_sides_may_break_at_the_same_instant(scene: Scene) -> None:
    def both() -> None:
        scene.client.abort()
        scene.server.abort()

    assert await scene.run(both) in (State.CLIENT_BROKE, State.SERVER_BROKE)
    assert trio.current_time() == 1.0


# ---------------------------------------------------------------------- silence


async def test_silence_ends_it_and_its_state_says_that_nobody_ended(scene: Scene) -> None:
    assert await scene.run(lambda: scene.client.send_nowait(b"x")) is State.OPEN
    assert trio.current_time() == 101.0


@pytest.mark.parametrize(
    ("side", "state", "seconds"),
    [("client", State.CLIENT_DONE, 60.0), ("server", State.SERVER_DONE, 30.0)],
)
async def test_after_an_end_another_silence_counts(
    scene: Scene, side: str, state: State, seconds: float
) -> None:
    assert await scene.run(getattr(scene, side).close) is state
    assert trio.current_time() == 1.0 + seconds


async def test_a_state_without_a_time_of_its_own_has_that_of_open(net: VirtualNetwork) -> None:
    client, ours = await open_pair(VirtualStage(net))
    theirs, server = await open_pair(VirtualStage(net))
    bridge = Bridge(
        Inbox(ours, 1024), Inbox(theirs, 1024), silence={State.OPEN: 50.0}, stall_seconds=5.0
    )
    scene = Scene(client, server, (ours, theirs), bridge)
    begun = trio.current_time()
    await client.send_eof()
    assert await bridge.run() is State.CLIENT_DONE
    assert trio.current_time() == pytest.approx(begun + 50.0, abs=0.01)
    await scene.close()


async def test_a_byte_either_way_keeps_both_ways_alive(scene: Scene) -> None:
    async def chat() -> None:
        for _ in range(3):
            await trio.sleep(99.0)
            scene.client.send_nowait(b"x")
            await trio.sleep(99.0)
            scene.server.send_nowait(b"y")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(chat)
        assert await scene.bridge.run() is State.OPEN
    assert trio.current_time() == 6 * 99.0 + 100.0


# ---------------------------------------------------------------------- bounds


def test_a_stalled_reader_stops_its_writer_and_one_piece_is_held() -> None:
    """The client's connection would hold a mebibyte, the server's 64 KiB; nobody reads there."""

    async def pour(stream: Stream) -> int:
        poured = 0
        while True:
            try:
                poured += await stream.send_some(b"x" * 65536)
            except trio.BrokenResourceError:
                return poured

    async def play() -> None:
        here, there = Address("client", 0), Address("server", 0)
        client, ours = memory_stream_pair(here, there, capacity=1 << 20)
        theirs, server = memory_stream_pair(here, there, capacity=65536)
        scene = joined(client, ours, theirs, server)
        poured = []

        async def pour_it() -> None:
            poured.append(await pour(client))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour_it)
            assert await scene.bridge.run() is State.SERVER_BROKE
            ours.abort()
        assert trio.current_time() == STALL_SECONDS
        assert scene.bridge.bytes_up == 65536
        assert poured[0] <= 65536 + LARGEST_READ + (1 << 20)
        await scene.close()

    run_in_virtual_time(play)


async def test_cancelled_it_tells_neither_side_of_an_end(
    any_scene: Scene, nursery: trio.Nursery
) -> None:
    with trio.CancelScope() as scope:
        nursery.start_soon(_cancel_when_blocked, scope)
        await any_scene.bridge.run()
    assert scope.cancelled_caught
    assert not any_scene.client.is_stale()
    assert not any_scene.server.is_stale()


async def _cancel_when_blocked(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()
