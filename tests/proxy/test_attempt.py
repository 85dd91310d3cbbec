"""One try at one server: what the server did, and what the attempt makes of it."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.net.wires import Recorded
from tests.proxy.stage import GET, POST, context_of, exchange_of, head_of
from tests.support.raw import RawPeer
from tests.support.servers import Script, answer_of
from tests.support.world import World
from trio_lb.config.schema import TimeoutsConfig
from trio_lb.model.message import RequestHead
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.env import Env, Stream
from trio_lb.proxy.attempt import PATIENCE_SECONDS, Attempt, Phase
from trio_lb.proxy.exchange import Exchange

KIND = OutcomeKind
OK = answer_of(200, b"ok")
SENT = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
TIMES = TimeoutsConfig(first_byte=3.0, idle=4.0, write_stall=5.0)


class Waiting(Recorded):
    """A client that has asked and now waits for its answer."""

    def receive_nowait(self, max_bytes: int) -> None:
        return None


@asynccontextmanager
async def connected(
    world: World, script: Script, *, reused: bool = False
) -> AsyncGenerator[tuple[Exchange, UpstreamConnection, Waiting]]:
    """An exchange, and a connection to a server that follows ``script``."""
    server = await world.server("s1", script)
    world.link("s1").set_latency(0.0)
    context = context_of(world.env, timeouts=TIMES)
    stream = Waiting([])
    async with context.connections:
        connection = await context.connections.of("s1", server.address).connect()
        connection.is_fresh = not reused
        with connection:
            yield exchange_of(context, stream=stream), connection, stream


async def attempt_at(
    world: World, script: Script, head: RequestHead = GET, *, reused: bool = False
) -> tuple[Attempt, bytes]:
    """Make one attempt; return it with what the client was told."""
    async with connected(world, script, reused=reused) as (exchange, connection, stream):
        attempt = Attempt(exchange, head, connection, SENT)
        await attempt.run(trio.current_time() + 100.0)
        return attempt, stream.sent


def saying(data: bytes, *, then: str = "hang") -> Script:
    """Read the head, send ``data``, and then hang, close or reset."""

    async def script(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        if data:
            await peer.send(data)
        if then == "reset":
            peer.reset()
        elif then == "hang":
            try:
                await peer.expect_rest()
            except trio.BrokenResourceError:
                return

    return script


ENDINGS = [
    (OK, "hang", KIND.ANSWERED, 200),
    (OK, "close", KIND.ANSWERED, 200),
    (answer_of(503), "hang", KIND.ANSWERED, 503),
    (b"HTTP/1.1 200 OK\r\n\r\nall", "close", KIND.ANSWERED, 200),
    (b"", "close", KIND.CLOSED, None),
    (b"", "reset", KIND.RESET, None),
    (b"", "hang", KIND.TIMEOUT, None),
    (b"HTTP/1.1 2", "close", KIND.CLOSED, None),
    (b"HTTP/1.1 2", "reset", KIND.RESET, None),
    (b"HTTP/1.1 2", "hang", KIND.TIMEOUT, None),
    (b"nonsense", "hang", KIND.BAD_RESPONSE, None),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz", "hang", KIND.BAD_RESPONSE, None),
    (OK[:-1], "close", KIND.TRUNCATED, 200),
    (OK[:-1], "reset", KIND.TRUNCATED, 200),
    (OK[:-1], "hang", KIND.TRUNCATED, 200),
    (b"HTTP/1.1 103 Hints\r\n\r\n", "close", KIND.CLOSED, None),
    (b"HTTP/1.1 103 Hints\r\n\r\n", "hang", KIND.TIMEOUT, None),
]  # fmt: skip


@pytest.mark.parametrize(("data", "then", "kind", "status"), ENDINGS)
async def test_every_way_in_which_a_server_can_end_an_attempt_has_its_name(
    world: World, data: bytes, then: str, kind: OutcomeKind, status: int | None
) -> None:
    attempt, _ = await attempt_at(world, saying(data, then=then))
    assert attempt.outcome is not None
    assert (attempt.outcome.kind, attempt.outcome.status) == (kind, status)
    assert attempt.outcome.sent


class Prompt(Recorded):
    """A server whose words are there before anybody waits for them; counts the waits."""

    def __init__(self, data: bytes, then: str) -> None:
        super().__init__([data], broken=then == "reset")
        self.waits = 0
        self._hangs = then == "hang"

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        return None if self._hangs and not self.is_stale() else super().receive_nowait(max_bytes)

    async def receive_some(self, max_bytes: int) -> bytes:
        self.waits += 1
        return await super().receive_some(max_bytes)


async def attempt_with(env: Env, server: Stream, client: Stream) -> Attempt:
    """Make one attempt over a connection that was used before."""
    context = context_of(env, timeouts=TIMES)
    home = context.connections.of("s1", server.peer)
    connection = UpstreamConnection(server, home, 4096)
    connection.is_fresh = False
    attempt = Attempt(exchange_of(context, stream=client), GET, connection, SENT)
    await attempt.run(trio.current_time() + 100.0)
    return attempt


def undated(told: bytes) -> bytes:
    """An answer as it would have been at any time."""
    return re.sub(rb"Date: [^\r]*", b"", told)


@pytest.mark.parametrize(("data", "then", "kind", "status"), ENDINGS)
async def test_what_came_at_once_ends_an_attempt_as_what_was_awaited(
    env: Env, world: World, data: bytes, then: str, kind: OutcomeKind, status: int | None
) -> None:
    awaited, told = await attempt_at(world, saying(data, then=then), reused=True)
    client = Waiting([])
    attempt = await attempt_with(env, Prompt(data, then), client)
    assert attempt.outcome is not None
    assert awaited.outcome is not None
    assert attempt.outcome.kind is awaited.outcome.kind
    assert attempt.outcome.kind in (kind, KIND.STALE)
    assert (attempt.outcome.status, attempt.phase) == (status, awaited.phase)
    assert (attempt.is_clean, undated(client.sent)) == (awaited.is_clean, undated(told))


@pytest.mark.parametrize(
    ("data", "waited"),
    [(OK, False), (answer_of(204), False), (OK[:-1], True), (b"HTTP/1.1 2", True), (b"", True)],
)
async def test_a_whole_answer_that_came_at_once_is_not_waited_for(
    env: Env, data: bytes, waited: bool
) -> None:
    server = Prompt(data, "hang")
    await attempt_with(env, server, Waiting([]))
    assert (server.waits > 0) is waited


@pytest.mark.parametrize(
    ("data", "then", "kind"),
    [
        (b"", "close", KIND.STALE),
        (b"", "reset", KIND.STALE),
        (b"", "hang", KIND.TIMEOUT),
        (b"HTTP/1.1 2", "close", KIND.CLOSED),
        (b"HTTP/1.1 2", "reset", KIND.RESET),
        (b"HTTP/1.1 103 Hints\r\n\r\n", "reset", KIND.RESET),
        (OK[:-1], "reset", KIND.TRUNCATED),
    ],
)
async def test_only_a_reused_connection_that_died_in_silence_was_stale(
    world: World, data: bytes, then: str, kind: OutcomeKind
) -> None:
    attempt, _ = await attempt_at(world, saying(data, then=then), reused=True)
    assert attempt.outcome is not None
    assert attempt.outcome.kind is kind


@pytest.mark.parametrize(
    ("data", "then", "clean"),
    [
        (OK, "hang", True),
        (answer_of(204), "hang", True),
        (OK + b"x", "hang", False),
        (answer_of(200, b"ok", "Connection: close"), "hang", False),
        (OK.replace(b"1.1", b"1.0", 1), "hang", False),
        (b"HTTP/1.1 200 OK\r\n\r\nall", "close", False),
        (OK[:-1], "close", False),
    ],
)
async def test_a_connection_is_clean_after_a_whole_answer_that_leaves_no_doubt(
    world: World, data: bytes, then: str, clean: bool
) -> None:
    attempt, _ = await attempt_at(world, saying(data, then=then))
    assert attempt.is_clean is clean


async def test_the_answer_reaches_the_client_in_one_piece_when_it_came_in_one(
    world: World,
) -> None:
    attempt, told = await attempt_at(world, saying(OK))
    assert told.startswith(b"HTTP/1.1 200 Because\r\n")
    assert told.endswith(b"\r\n\r\nok")
    assert (attempt.exchange.status, attempt.exchange.bytes_out) == (200, 2)
    assert attempt.phase is Phase.DONE


@pytest.mark.parametrize(("data", "at"), [(b"", 3.0), (OK[:-1], PATIENCE_SECONDS + 4.0)])
async def test_silence_is_ended_to_the_instant(world: World, data: bytes, at: float) -> None:
    await attempt_at(world, saying(data))
    assert trio.current_time() == at


async def test_the_request_s_own_time_may_be_shorter_than_the_first_byte_s(world: World) -> None:
    async with connected(world, saying(b"")) as (exchange, connection, _):
        outcome = await Attempt(exchange, GET, connection, SENT).run(1.5)
    assert (outcome.kind, trio.current_time()) == (KIND.TIMEOUT, 1.5)


async def test_a_switch_is_answered_and_leaves_the_connection_to_a_tunnel(world: World) -> None:
    upgrade = head_of("GET / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: websocket")
    switch = b"HTTP/1.1 101 Ok\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly"
    async with connected(world, saying(switch)) as (exchange, connection, stream):
        attempt = Attempt(exchange, upgrade, connection, SENT)
        outcome = await attempt.run(100.0)
        assert outcome == Outcome(KIND.ANSWERED, 101)
        assert (attempt.phase, attempt.is_clean) == (Phase.SWITCHED, False)
        assert stream.sent.startswith(b"HTTP/1.1 101 ")
        assert connection.inbox.data == b"early"
        assert not exchange.keep


class Gone(Waiting):
    """A client that is not there any more."""

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        raise trio.BrokenResourceError("reset")


class Stuck(Waiting):
    """A client that takes nothing."""

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        return 0

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        await trio.sleep_forever()
        return 0


@pytest.mark.parametrize(("kind", "at"), [(Gone, 0.0), (Stuck, PATIENCE_SECONDS + 5.0)])
async def test_a_client_that_takes_no_answer_abandons_the_attempt(
    world: World, kind: type[Waiting], at: float
) -> None:
    async with connected(world, saying(OK)) as (exchange, connection, _):
        client: Stream = kind([])
        exchange = exchange_of(exchange.context, stream=client)
        attempt = Attempt(exchange, GET, connection, SENT)
        outcome = await attempt.run(100.0)
    assert (outcome.kind, trio.current_time()) == (KIND.ABANDONED, at)
    assert not attempt.is_clean


class Stingy(Waiting):
    """A client that takes ten bytes at a time."""

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        return super().send_nowait(data[:10])


async def test_an_answer_that_came_at_once_reaches_a_client_that_takes_little(env: Env) -> None:
    client, plain = Stingy([]), Waiting([])
    for each in (client, plain):
        attempt = await attempt_with(env, Prompt(OK, "hang"), each)
        assert (attempt.outcome, attempt.phase) == (Outcome(KIND.ANSWERED, 200), Phase.DONE)
    assert client.sent == plain.sent


class Sipping(Waiting):
    """A client that takes 16 KiB at a time, when it is waited for; notes what it was offered."""

    def __init__(self) -> None:
        super().__init__([])
        self.offered: list[int] = []

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        self.offered.append(len(data))
        return 0

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        await trio.sleep(0.4)
        return super().send_nowait(data[:16384])


async def test_of_a_fast_server_s_answer_no_more_than_64_kib_is_held_for_a_slow_client(
    world: World,
) -> None:
    world.net.window_bytes = 4_000_000
    answer = answer_of(200, bytes(2_000_000))
    async with connected(world, saying(answer)) as (exchange, connection, _):
        client = Sipping()
        exchange = exchange_of(exchange.context, stream=client)
        outcome = await Attempt(exchange, GET, connection, SENT).run(100.0)
    assert outcome == Outcome(KIND.ANSWERED, 200)
    assert client.sent.endswith(bytes(2_000_000))
    assert max(client.offered) == 65536


async def test_an_answer_before_the_body_was_sent_ends_the_client_s_connection(
    world: World,
) -> None:
    async with connected(world, saying(OK)) as (exchange, connection, stream):
        exchange = exchange_of(exchange.context, POST, stream=stream)
        attempt = Attempt(exchange, POST, connection, SENT)
        outcome = await attempt.run(100.0)
    assert outcome.kind is KIND.ANSWERED
    assert attempt.is_uploading
    assert not exchange.keep
    assert not attempt.is_clean
    assert b"\r\nConnection: close\r\n" in stream.sent
