"""One direction of a WebSocket: nothing is lost or broken by what we put in between."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.support.clock import run_in_virtual_time
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    close_payload,
    frames_in,
    from_server,
    message_of,
)
from trio_lb.model.address import Address
from trio_lb.net.env import Stream
from trio_lb.net.inbox import LARGEST_READ, Inbox
from trio_lb.net.memory import memory_stream_pair
from trio_lb.net.relay import send_all
from trio_lb.net.websocket import GOING_AWAY, close_frame, ping_frame
from trio_lb.proxy.websocket_lane import TRANSITIONS, Lane, Phase, Signal
from trio_lb.sim.network import VirtualNetwork

OUR_PING = ping_frame(b"there?")
OUR_CLOSE = close_frame(GOING_AWAY)
HELLO = from_server(TEXT, b"hello")
GOODBYE = from_server(CLOSE, close_payload(1000))


@attrs.define
class Scene:
    """A server that speaks through a lane to a client; ``heard`` is what the client got."""

    server: Stream
    client: Stream
    lane: Lane
    heard: bytes = b""

    async def bridge(self) -> None:
        """Do what a bridge does with one direction."""
        lane = self.lane
        while lane.data or await lane.fill():
            await send_all(lane._sink, lane.take(LARGEST_READ), 5.0)
        await lane._sink.send_eof()

    async def listen(self) -> None:
        while got := await self.client.receive_some(4096):
            self.heard += got

    async def say(self, data: bytes) -> None:
        """Let the server say something, and everybody react."""
        await send_all(self.server, data, 5.0)
        await wait_all_tasks_blocked()

    def close(self) -> None:
        for stream in (self.server, self.client, self.lane.stream, self.lane._sink):
            stream.close()


def scene_of(*, read: bytes = b"", capacity: int = 65536) -> Scene:
    here, there = Address("here", 0), Address("there", 0)
    server, source = memory_stream_pair(here, there, capacity=capacity)
    sink, client = memory_stream_pair(here, there, capacity=capacity)
    inbox = Inbox(source, 1024)
    inbox.data = read
    lane = Lane(inbox, sink, masked=False, close=OUR_CLOSE)
    assert inbox.data == b""
    return Scene(server, client, lane)


@asynccontextmanager
async def open_scene(
    *, read: bytes = b"", filled: int = 0, capacity: int = 65536
) -> AsyncGenerator[Scene, None]:
    """A lane that is carried; ``filled`` bytes stand before it, and nobody listens yet."""
    scene = scene_of(read=read, capacity=capacity)
    scene.lane._sink.send_nowait(b"x" * filled)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.bridge)
        await wait_all_tasks_blocked()
        yield scene
        nursery.cancel_scope.cancel()
    scene.close()


@pytest.fixture
async def scene(net: VirtualNetwork) -> AsyncGenerator[Scene, None]:
    """A lane that is carried and heard, in virtual time."""
    async with open_scene() as scene, open_ears(scene):
        yield scene


@asynccontextmanager
async def open_ears(scene: Scene) -> AsyncGenerator[None, None]:
    """Let the client read whatever comes."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(scene.listen)
        yield
        nursery.cancel_scope.cancel()


# ---------------------------------------------------------------------- the plain way


async def test_what_was_read_before_goes_first(net: VirtualNetwork) -> None:
    async with open_scene(read=HELLO[:3]) as scene, open_ears(scene):
        await scene.say(HELLO[3:] + HELLO)
        assert scene.heard == HELLO * 2


async def test_bytes_that_are_no_frames_pass_like_any_others(scene: Scene) -> None:
    await scene.say(HELLO)
    await scene.say(b"\x83\x00 not a frame")
    assert scene.lane.phase is Phase.BLIND
    assert not scene.lane.ask(OUR_PING)
    scene.lane.part()
    scene.lane.insist()
    await scene.say(b" at all")
    assert scene.heard == HELLO + b"\x83\x00 not a frame at all"
    assert not scene.lane.is_told


async def test_it_knows_when_the_source_spoke_last(scene: Scene) -> None:
    assert scene.lane.heard_at == 0.0
    await trio.sleep(7.0)
    await scene.say(HELLO)
    await trio.sleep(7.0)
    assert scene.lane.heard_at == 7.0


# ---------------------------------------------------------------------- a ping


async def test_a_ping_goes_out_at_once_while_nobody_speaks(scene: Scene) -> None:
    await scene.say(HELLO)
    assert scene.lane.ask(OUR_PING)
    assert scene.lane.has_asked
    await wait_all_tasks_blocked()
    assert scene.heard == HELLO + OUR_PING
    await scene.say(HELLO)
    assert scene.heard == HELLO + OUR_PING + HELLO


async def test_a_ping_waits_for_the_end_of_a_frame_not_of_a_message(scene: Scene) -> None:
    first = from_server(TEXT, b"hello ", is_final=False)
    rest = from_server(CONTINUATION, b"world")
    await scene.say(first[:4])
    assert scene.lane.ask(OUR_PING)
    assert not scene.lane.has_asked
    await scene.say(first[4:] + rest[:3])
    assert scene.heard == first + OUR_PING + rest[:3]
    await scene.say(rest[3:])
    assert scene.heard == first + OUR_PING + rest


async def test_a_ping_never_follows_a_close(scene: Scene) -> None:
    await scene.say(HELLO[:3])
    assert scene.lane.ask(OUR_PING)
    await scene.say(HELLO[3:] + GOODBYE)
    assert scene.heard == HELLO + GOODBYE
    assert scene.lane.phase is Phase.CLOSED
    assert not scene.lane.ask(OUR_PING)
    await scene.say(b"anything")
    assert scene.heard == HELLO + GOODBYE + b"anything"


async def test_nobody_is_asked_behind_an_end(scene: Scene) -> None:
    await scene.server.send_eof()
    await wait_all_tasks_blocked()
    assert not scene.lane.ask(OUR_PING)


# ---------------------------------------------------------------------- a farewell


async def test_a_farewell_goes_out_at_once_while_nobody_speaks(scene: Scene) -> None:
    await scene.say(HELLO)
    scene.lane.part()
    await wait_all_tasks_blocked()
    assert (scene.heard, scene.lane.phase) == (HELLO + OUR_CLOSE, Phase.PARTED)
    assert scene.lane.is_told


async def test_after_a_farewell_all_is_dropped_until_the_source_s_close(scene: Scene) -> None:
    scene.lane.part()
    await scene.say(HELLO * 3)
    await scene.say(HELLO[:1])
    assert scene.lane.phase is Phase.PARTED
    await scene.say(HELLO[1:] + GOODBYE)
    assert (scene.heard, scene.lane.phase) == (OUR_CLOSE, Phase.OVER)
    assert await scene.client.receive_some(1) == b"", "the end was passed on"


async def test_a_source_that_ends_instead_of_closing_ends_it_too(scene: Scene) -> None:
    scene.lane.part()
    await scene.server.send_eof()
    await wait_all_tasks_blocked()
    assert (scene.heard, scene.lane.phase) == (OUR_CLOSE, Phase.PARTED)
    assert await scene.client.receive_some(1) == b""


async def test_garbage_after_a_farewell_ends_it(scene: Scene) -> None:
    scene.lane.part()
    await scene.say(b"\x83\x00 not a frame")
    assert (scene.heard, scene.lane.phase) == (OUR_CLOSE, Phase.OVER)


async def test_the_message_under_way_is_delivered_first(scene: Scene) -> None:
    first = from_server(TEXT, b"hello ", is_final=False)
    rest = from_server(CONTINUATION, b"world")
    await scene.say(first)
    scene.lane.part()
    await scene.say(rest[:2])
    assert (scene.heard, scene.lane.phase) == (first + rest[:2], Phase.PARTING)
    await scene.say(rest[2:] + HELLO[:3])
    assert (scene.heard, scene.lane.phase) == (first + rest + OUR_CLOSE, Phase.PARTED)
    await scene.say(HELLO[3:] + GOODBYE)
    assert (scene.heard, scene.lane.phase) == (first + rest + OUR_CLOSE, Phase.OVER)


async def test_who_insists_waits_for_the_frame_only(scene: Scene) -> None:
    first = from_server(TEXT, b"hello ", is_final=False)
    rest = from_server(CONTINUATION, b"world")
    await scene.say(first + rest[:2])
    scene.lane.part()
    scene.lane.insist()
    assert scene.lane.phase is Phase.PARTING
    next_one = from_server(CONTINUATION, b"and more", is_final=False)
    await scene.say(rest[2:] + next_one[:1])
    assert scene.heard == first + rest + OUR_CLOSE


async def test_who_insists_between_two_frames_has_it_at_once(scene: Scene) -> None:
    first = from_server(TEXT, b"hello ", is_final=False)
    await scene.say(first)
    scene.lane.part()
    assert scene.lane.phase is Phase.PARTING
    scene.lane.insist()
    await wait_all_tasks_blocked()
    assert scene.heard == first + OUR_CLOSE


async def test_a_close_of_the_source_takes_the_place_of_ours(scene: Scene) -> None:
    await scene.say(HELLO[:3])
    scene.lane.part()
    await scene.say(HELLO[3:] + GOODBYE)
    assert (scene.heard, scene.lane.phase) == (HELLO + GOODBYE, Phase.CLOSED)
    assert scene.lane.is_told


async def test_a_ping_that_found_no_place_is_dropped_for_the_farewell(scene: Scene) -> None:
    await scene.say(HELLO[:3])
    assert scene.lane.ask(OUR_PING)
    scene.lane.part()
    await scene.say(HELLO[3:])
    assert scene.heard == HELLO + OUR_CLOSE


async def test_what_is_read_already_behind_a_farewell_is_dropped_too(net: VirtualNetwork) -> None:
    big = from_server(BINARY, b"x" * LARGEST_READ)
    scene = scene_of(read=HELLO + big + GOODBYE)
    scene.lane.part()
    async with open_ears(scene):
        await scene.bridge()
        await wait_all_tasks_blocked()
    assert (scene.heard, scene.lane.phase) == (HELLO + OUR_CLOSE, Phase.OVER)
    scene.close()


# ---------------------------------------------------------------------- a full sink


@pytest.mark.parametrize("room", [0, 1, 3])
async def test_a_ping_that_a_full_sink_takes_in_part_is_whole_all_the_same(
    net: VirtualNetwork, room: int
) -> None:
    async with open_scene(capacity=100, filled=100 - room) as scene:
        assert scene.lane.ask(OUR_PING)
        async with open_ears(scene):
            await scene.say(HELLO)
        assert scene.heard[100 - room :] == OUR_PING + HELLO


@pytest.mark.parametrize("room", [0, 2])
async def test_a_farewell_that_a_full_sink_takes_in_part_is_whole_all_the_same(
    net: VirtualNetwork, room: int
) -> None:
    async with open_scene(capacity=100, filled=100 - room) as scene:
        scene.lane.part()
        async with open_ears(scene):
            await scene.say(HELLO + GOODBYE)
        assert (scene.heard[100 - room :], scene.lane.phase) == (OUR_CLOSE, Phase.OVER)


@pytest.mark.parametrize("word", ["ask", "part"])
async def test_a_word_waits_for_a_piece_that_the_sink_has_not_taken_whole(
    net: VirtualNetwork, word: str
) -> None:
    big = from_server(BINARY, b"x" * 118)
    async with open_scene(capacity=100) as scene:
        await scene.say(big[:60])
        await scene.say(big[60:])  # Of these, 20 are read and not sent.
        speak(scene.lane, word)
        async with open_ears(scene):
            await wait_all_tasks_blocked()
        assert scene.heard == big + (OUR_PING if word == "ask" else OUR_CLOSE)


async def test_a_wait_that_was_cancelled_goes_on_where_it_was(net: VirtualNetwork) -> None:
    """A bridge stops its ways now and then, and starts them again."""
    scene = scene_of()
    with trio.move_on_after(1.0):
        await scene.lane.fill()
    assert scene.lane.ask(OUR_PING)
    assert scene.client.receive_nowait(100) is None, "nobody waits: it is not sent from here"
    assert await scene.lane.fill()
    assert scene.lane.take(LARGEST_READ) == OUR_PING
    scene.close()


async def test_a_word_to_a_sink_that_is_gone_does_no_harm(net: VirtualNetwork) -> None:
    async with open_scene() as scene:
        scene.client.abort()
        scene.lane.part()
        assert not scene.lane.is_told


# ---------------------------------------------------------------------- laws

payloads = st.binary(max_size=200)
controls = st.builds(Frame, st.sampled_from([PING, PONG]), st.binary(max_size=20))
fragments = st.lists(st.tuples(payloads, st.lists(controls, max_size=2)), min_size=1, max_size=3)


@given(
    st.lists(fragments, max_size=4),
    st.lists(st.integers(0, 2000), max_size=6),
    st.integers(0, 6),
    st.sampled_from(["ask", "part", "insist"]),
)
def test_law_a_word_of_ours_stands_between_two_frames_and_the_rest_is_untouched(
    conversation: list[list[tuple[bytes, list[Frame]]]], cuts: list[int], turn: int, word: str
) -> None:
    frames = [frame for message in conversation for frame in message_of(message)]
    data = b"".join(map(bytes, frames))
    ends = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    pieces = [data[a:b] for a, b in pairwise(ends)]

    async def play() -> list[Frame]:
        scene, said = scene_of(), b""
        for number, piece in enumerate([*pieces, b""]):
            if number == min(turn, len(pieces)):
                speak(scene.lane, word)
            scene.lane.data = piece
            said += scene.lane.take(LARGEST_READ)
        scene.close()
        await trio.lowlevel.checkpoint()
        return frames_in(said)

    heard: list[Frame] = run_in_virtual_time(play)
    if word == "ask":
        heard.remove(Frame(PING, b"there?"))
        assert heard == frames
    else:
        assert heard[-1] == Frame(CLOSE, close_payload(GOING_AWAY))
        assert heard[:-1] == frames[: len(heard) - 1]
        whole = [each for each in heard[:-1] if each.opcode <= BINARY]
        assert word == "insist" or not whole or whole[-1].is_final, "no message is cut"


def speak(lane: Lane, word: str) -> None:
    if word == "ask":
        assert lane.ask(OUR_PING)
        return
    lane.part()
    if word == "insist":
        lane.insist()


def test_every_phase_but_three_has_a_way_on() -> None:
    ends = {phase for phase, ways in TRANSITIONS.items() if not ways}
    assert ends == {Phase.OVER, Phase.CLOSED, Phase.BLIND}
    assert set(TRANSITIONS[Phase.PARTED]) == {Signal.ANSWER, Signal.GARBLED}
