"""A WebSocket tunnel alone: whatever is said, each end hears whole messages, and one Close."""

from collections.abc import Sequence

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.proxy.stage import exchange_of, head_of
from tests.support.clock import run_in_virtual_time
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    Frame,
    close_payload,
    frames_in,
    whole_frames,
)
from tests.support.stage import send_all
from trio_lb.config.schema import Config, WebSocketConfig
from trio_lb.control.timers import open_timers
from trio_lb.model.address import Address
from trio_lb.net.bus import Bus
from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.env import Stream
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.memory import memory_stream_pair
from trio_lb.proxy.context import ProxyContext
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.websocket_tunnel import TRANSITIONS, Signal, State, websocket_tunnel
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork

HERE, THERE = Address("here", 0), Address("there", 0)
CHAT = head_of("GET /chat HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket")
DRAIN_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 0.1
"""A message of the law is said long before anybody would insist."""


@attrs.define
class Peer:
    """An end that says its frames in pieces, and answers a Close when its message is said."""

    stream: Stream
    is_client: bool
    frames: Sequence[Frame] = ()
    pauses: Sequence[float] = (0.0,)
    heard: bytes = b""
    told: trio.Event = attrs.Factory(trio.Event)

    async def speak(self) -> None:
        turn = 0
        for frame in self.frames:
            if self.told.is_set() and frame.opcode == BINARY:
                break
            data = bytes(attrs.evolve(frame, is_masked=self.is_client))
            for piece in (data[:1], data[1:5], data[5:]):
                await trio.sleep(self.pauses[turn % len(self.pauses)])
                await send_all(self.stream, piece)
                turn += 1
        await self.told.wait()
        await send_all(self.stream, bytes(Frame(CLOSE, is_masked=self.is_client)))

    async def listen(self) -> None:
        while got := await self.stream.receive_some(65536):
            self.heard += got
            if has_close(self.heard):
                self.told.set()


def has_close(heard: bytes) -> bool:
    """Whether a whole Close is among the frames; bytes that look like one may stand in any."""
    return any(frame.opcode == CLOSE for frame in whole_frames(heard))


@attrs.define
class Scene:
    """Both ends, the tunnel's exchange, and what became of it."""

    client: Peer
    server: Peer
    exchange: Exchange
    connection: UpstreamConnection
    knows: bool | None = None
    ended_at: float = 0.0

    async def carry(self) -> None:
        self.knows = await websocket_tunnel(self.exchange, self.connection)
        self.ended_at = trio.current_time()
        for stream in (self.exchange.client.stream, self.connection.stream):
            stream.close()

    def close(self) -> None:
        for peer in (self.client, self.server):
            peer.stream.close()


def scene_of(context: ProxyContext) -> Scene:
    client, ours = memory_stream_pair(HERE, THERE)
    theirs, server = memory_stream_pair(HERE, THERE)
    home = context.connections.of("s1", THERE)
    connection = UpstreamConnection(theirs, home, 1024)
    exchange = exchange_of(context, CHAT, stream=ours)
    return Scene(Peer(client, is_client=True), Peer(server, is_client=False), exchange, connection)


fragments = st.lists(st.binary(max_size=300), min_size=1, max_size=3)
controls = st.builds(Frame, st.sampled_from([PING, PONG]), st.binary(max_size=9))
pauses = st.lists(st.sampled_from([0.0, 0.01, LONGEST_PAUSE_SECONDS]), min_size=1, max_size=5)


def message_of(parts: Sequence[bytes], between: Sequence[Frame]) -> list[Frame]:
    frames: list[Frame] = []
    for number, payload in enumerate(parts):
        opcode = CONTINUATION if number else BINARY
        frames += [Frame(opcode, payload, number == len(parts) - 1), *between]
    return frames


talks = st.lists(st.builds(message_of, fragments, st.lists(controls, max_size=1)), max_size=4).map(
    lambda messages: [frame for message in messages for frame in message]
)


@settings(max_examples=60)
@given(talks, talks, pauses, pauses, st.floats(0.0, 6.0))
def test_law_a_stop_leaves_both_ends_with_whole_messages_and_one_close(
    up: list[Frame], down: list[Frame], slow_up: list[float], slow_down: list[float], at: float
) -> None:
    async def play() -> None:
        env, bus = SimEnv(VirtualNetwork().host("lb")), Bus()
        async with open_timers(env, bus.publish) as timers, trio.open_nursery() as nursery:
            context = ProxyContext(Config(), env, H11Codec(), bus, timers.touch)
            scene = scene_of(context)
            scene.client.frames, scene.client.pauses = up, slow_up
            scene.server.frames, scene.server.pauses = down, slow_down
            for peer in (scene.client, scene.server):
                nursery.start_soon(peer.speak)
                nursery.start_soon(peer.listen)
            nursery.start_soon(scene.carry)
            await trio.sleep(at)
            context.websockets.drain(DRAIN_SECONDS)
        scene.close()
        assert (scene.knows, scene.exchange.cut, scene.exchange.error) == (True, False, None)
        assert scene.ended_at <= at + DRAIN_SECONDS
        for said, peer in ((down, scene.client), (up, scene.server)):
            *heard, last = frames_in(peer.heard)
            assert last.payload == close_payload(1001)
            assert [attrs.evolve(each, is_masked=False) for each in heard] == said[: len(heard)]
            whole = [each for each in heard if each.opcode <= BINARY]
            assert not whole or whole[-1].is_final, "no message is cut"

    run_in_virtual_time(play)


async def test_a_dead_client_is_a_failed_request_and_its_server_is_cut(env: SimEnv) -> None:
    async with open_timers(env, print) as timers, trio.open_nursery() as nursery:
        asking = Config(websocket=WebSocketConfig(ping_interval=10.0))
        context = ProxyContext(asking, env, H11Codec(), Bus(), timers.touch)
        scene = scene_of(context)
        nursery.start_soon(scene.carry)
        nursery.start_soon(scene.client.listen)
        nursery.start_soon(scene.server.listen)
        await trio.sleep_until(19.0)
        assert len(context.websockets) == 1
    scene.close()
    assert (scene.knows, scene.exchange.cut, scene.exchange.error) == (False, True, "client_gone")
    assert (scene.ended_at, len(context.websockets)) == (20.0, 0)
    assert timers.statistics().machines == 0


async def test_cancelled_it_leaves_nothing_to_the_timer(env: SimEnv) -> None:
    async with open_timers(env, print) as timers:
        asking = Config(websocket=WebSocketConfig(ping_interval=10.0))
        context = ProxyContext(asking, env, H11Codec(), Bus(), timers.touch)
        scene = scene_of(context)
        with trio.move_on_after(5.0):
            await scene.carry()
        assert (len(context.websockets), timers.statistics().machines) == (0, 0)
    scene.close()
    for stream in (scene.exchange.client.stream, scene.connection.stream):
        stream.close()


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_left_once_a_stop_wants_it(state: State) -> None:
    """From each of them some signals lead to the end, and none back from leaving."""
    reached, ways = {state}, [state]
    while ways:
        new = set(TRANSITIONS[ways.pop()].values()) - reached
        reached |= new
        ways += new
    assert State.OVER in reached
    if Signal.LEAVE not in TRANSITIONS[state]:
        assert not reached & {State.TALKING, State.ASKED}
