"""The WebSocket probe: a ping must come back, and every other end has its words."""

import base64
import hashlib
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream

from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.config.schema import ProbeConfig
from trio_lb.control.websocket_probe import GOODBYE_SECONDS, PAYLOAD, ask
from trio_lb.model.probe_result import ProbeResult
from trio_lb.net.trio_stream import TrioStream

Script = Callable[[RawPeer], Awaitable[None]]


async def probe(world: World, script: Script, **knobs: Any) -> ProbeResult:
    """Ask a server that follows ``script``, ten milliseconds away."""
    server = await world.server("s1", script)
    world.link("s1").set_latency(0.01)
    async with await world.env.network.connect(server.address) as stream:
        config = ProbeConfig(type="websocket", **knobs)
        return await ask(stream, server.address, config, started_at=world.env.now())


def answer_to(request: bytes) -> bytes:
    """The 101 that belongs to a handshake (RFC 6455 section 4.2.2)."""
    fields = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if line)
    key = fields[b"Sec-WebSocket-Key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


async def shake_hands(peer: RawPeer) -> bytes:
    """Accept by hand; return the request."""
    request = await peer.expect_until(b"\r\n\r\n")
    await peer.send(answer_to(request))
    return request


async def test_a_server_that_answers_pings_is_well_and_is_told_goodbye(world: World) -> None:
    seen: list[object] = []

    async def chat(peer: RawPeer) -> None:
        async with trio.open_nursery() as nursery:
            request: WebSocketRequest = await wrap_server_stream(nursery, TrioStream(peer.stream))
            seen.append((request.path, dict(request.headers)[b"x-key"]))
            websocket = await request.accept()
            with pytest.raises(ConnectionClosed) as closed:
                await websocket.get_message()
            assert closed.value.reason is not None
            seen.append(closed.value.reason.code)

    result = await probe(world, chat, path="/chat?room=1", headers={"X-Key": "k", "Upgrade": "x"})
    assert (result.healthy, result.error) == (True, None)
    assert result.latency_seconds == pytest.approx(0.04), "two round trips, not the goodbye's"
    assert seen == [("/chat?room=1", b"k"), 1000]


async def test_the_ping_is_ours_and_masked(world: World) -> None:
    frames: list[bytes] = []

    async def script(peer: RawPeer) -> None:
        await shake_hands(peer)
        head = await peer.expect_bytes(2)
        mask = await peer.expect_bytes(4)
        masked = await peer.expect_bytes(head[1] & 127)
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))
        frames.append(head[:1] + payload)
        await peer.send(bytes([0x8A, len(payload)]) + payload)
        await peer.expect_rest()

    assert (await probe(world, script)).healthy
    assert frames == [b"\x89" + PAYLOAD]


async def test_a_server_that_shakes_hands_and_hangs_is_not_well(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await shake_hands(peer)
        await peer.expect_rest()

    with trio.move_on_after(5.0) as patience:
        await probe(world, script)
    assert patience.cancelled_caught


async def test_a_goodbye_that_is_not_answered_costs_half_a_second_and_no_verdict(
    world: World,
) -> None:
    async def script(peer: RawPeer) -> None:
        await shake_hands(peer)
        await peer.expect_bytes(6 + len(PAYLOAD))
        await peer.send(bytes([0x8A, len(PAYLOAD)]) + PAYLOAD)
        await peer.expect_rest()

    result = await probe(world, script)
    assert result.healthy
    assert result.latency_seconds == pytest.approx(0.04)
    assert world.env.now() == pytest.approx(0.02 + 0.04 + GOODBYE_SECONDS)


async def test_a_goodbye_never_makes_a_good_check_late(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await shake_hands(peer)
        await peer.expect_bytes(6 + len(PAYLOAD))
        await peer.send(bytes([0x8A, len(PAYLOAD)]) + PAYLOAD)
        await peer.expect_rest()

    with trio.move_on_after(0.1) as timeout:
        result = await probe(world, script)
    assert not timeout.cancelled_caught
    assert result.healthy


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (b"", "closed without an answer"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"HTTP/1.1 426 No\r\nContent-Length: 1000000\r\n\r\nonly the beginning", "status 426"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "status 200"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "not a WebSocket"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 101 Swit", "closed in mid-talk"),
    ],
)
async def test_what_is_no_websocket_is_named(world: World, answer: bytes, wrong: str) -> None:
    async def script(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(answer)

    assert await probe(world, script) == ProbeResult(False, error=wrong)


async def test_no_garbage_does_more_than_fail_the_check(world: World) -> None:
    rng, wrongs = random.Random(7), set[str | None]()
    pieces = [
        b"HTTP/1.1 101 X\r\n",
        b"Upgrade: websocket\r\n",
        b"\r\n",
        b"\x88\x02\x03\xe8",
        b"\x00",
    ]

    async def script(peer: RawPeer) -> None:
        request = await peer.expect_until(b"\r\n\r\n")
        start = answer_to(request) if rng.random() < 0.5 else b""
        await peer.send(start + b"".join(rng.choices([*pieces, rng.randbytes(9)], k=6)))

    server = await world.server("s1", script)
    for _ in range(100):
        async with await world.env.network.connect(server.address) as stream:
            config = ProbeConfig(type="websocket")
            result = await ask(stream, server.address, config, started_at=0.0)
        assert not result.healthy
        wrongs.add(result.error)
    assert wrongs == {"not HTTP", "not a WebSocket", "closed in mid-talk"}


async def test_a_wrong_key_is_no_websocket(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        request = await peer.expect_until(b"\r\n\r\n")
        await peer.send(answer_to(request).replace(b"Accept: ", b"Accept: x"))

    assert (await probe(world, script)).error == "not a WebSocket"


async def test_a_server_that_hangs_up_instead_of_a_pong_is_not_well(world: World) -> None:
    async def script(peer: RawPeer) -> None:
        await shake_hands(peer)

    assert (await probe(world, script)).error == "closed in mid-talk"


@pytest.mark.parametrize("after_the_handshake", [False, True])
async def test_a_reset_is_named(world: World, after_the_handshake: bool) -> None:
    async def script(peer: RawPeer) -> None:
        if after_the_handshake:
            await shake_hands(peer)
            await peer.expect_bytes(6 + len(PAYLOAD))
        else:
            await peer.expect_until(b"\r\n\r\n")
        peer.reset()

    assert (await probe(world, script)).error == "connection reset"


async def test_the_host_is_the_server_s_address_unless_it_is_said(world: World) -> None:
    hosts: list[bytes] = []

    async def script(peer: RawPeer) -> None:
        request = await shake_hands(peer)
        hosts.extend(line for line in request.split(b"\r\n") if line.lower().startswith(b"host"))

    await probe(world, script, headers={"host": "chat.internal"})
    assert hosts == [b"Host: chat.internal"]
