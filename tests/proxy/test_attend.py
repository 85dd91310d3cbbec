"""Uploads and the watch over a slow request's client, without an attempt around them."""

from collections.abc import Callable

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.proxy.stage import GET, context_of, exchange_of, head_of
from tests.support.stage import VirtualStage, fill, open_pair
from trio_lb.config.schema import TimeoutsConfig
from trio_lb.model.message import Reject, ResponseHead
from trio_lb.model.outcome import OutcomeKind
from trio_lb.net.env import Stream
from trio_lb.proxy.attend import READ_AHEAD, attend, upload_alone
from trio_lb.proxy.exchange import Exchange
from trio_lb.sim.env import SimEnv

UPLOAD = head_of("POST / HTTP/1.1\nHost: a\nContent-Length: 10")
TIMES = TimeoutsConfig(client_body_idle=7.0, write_stall=5.0, half_close_grace=2.0)


@attrs.define(eq=False)
class Attempt:
    """Satisfies ``Attended`` and notes what it was told, and when."""

    exchange: Exchange
    server_stream: Stream
    to_server: bytes | memoryview = b""
    is_uploading: bool = False
    progress: int = 0
    told: list[tuple[str, float]] = attrs.field(factory=list)
    refusal: Reject | None = None
    answer: ResponseHead | None = None
    owes_client: bool = False

    def body_flows(self) -> None:
        """Nothing that these tests ask for."""

    def uploaded(self) -> None:
        self.told.append(("uploaded", trio.current_time()))

    def await_answer(self) -> None:
        self.told.append(("await the answer", trio.current_time()))

    def stop(self, kind: OutcomeKind, detail: str, refusal: Reject | None = None) -> None:
        self.told.append((kind.value, trio.current_time()))
        self.refusal = refusal


@attrs.define
class Scene:
    """The client's end, the attempt in the middle, and the server's end."""

    client: Stream
    attempt: Attempt
    server: Stream

    @property
    def told(self) -> list[tuple[str, float]]:
        return self.attempt.told


@pytest.fixture
async def scene(env: SimEnv) -> object:
    """Both connections, without latency; what is not closed by a test is closed here."""
    net = env.network._net  # type: ignore[attr-defined] # The one that the fixture made.
    net.link("client", "server").set_latency(0.0)
    client, ours = await open_pair(VirtualStage(net))
    theirs, server = await open_pair(VirtualStage(net))
    exchange = exchange_of(context_of(env, timeouts=TIMES), GET, stream=ours)
    yield Scene(client, Attempt(exchange, theirs), server)
    for stream in (client, ours, theirs, server):
        stream.close()


def uploading(scene: Scene) -> Scene:
    """The same with a body of ten bytes to come."""
    exchange = scene.attempt.exchange
    scene.attempt.exchange = exchange_of(exchange.context, UPLOAD, stream=exchange.client.stream)
    scene.attempt.is_uploading = True
    return scene


async def run_until(scene: Scene, play: Callable[[], object]) -> None:
    """Attend while ``play`` happens; returns when the attendance has ended or been stopped."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(attend, scene.attempt)
        await wait_all_tasks_blocked()
        play()
        while scene.told == [] and len(nursery.child_tasks):  # noqa: ASYNC110 - any end will do.
            await trio.sleep(0.1)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_a_reset_is_seen_at_once(scene: Scene) -> None:
    await run_until(scene, scene.client.abort)
    assert scene.told == [("abandoned", 0.0)]
    assert scene.attempt.refusal is None


async def test_an_end_of_file_gets_its_grace_and_then_a_refusal(scene: Scene) -> None:
    await run_until(scene, scene.client.close)
    assert scene.told == [("abandoned", 2.0)]
    assert scene.attempt.refusal is not None
    assert scene.attempt.refusal.status == 504


async def test_progress_prolongs_the_grace(scene: Scene) -> None:
    async def go_on() -> None:
        for _ in range(3):
            await trio.sleep(1.5)
            scene.attempt.progress += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(go_on)
        await run_until(scene, scene.client.close)
    assert scene.told == [("abandoned", 8.0)]


async def test_the_watch_reads_ahead_only_so_far(scene: Scene) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(attend, scene.attempt)
        for _ in range(20):
            fill(scene.client)
            await wait_all_tasks_blocked()
        inbox = scene.attempt.exchange.client.inbox
        assert READ_AHEAD <= len(inbox.data) < 2 * READ_AHEAD
        assert scene.client.send_nowait(b"x") == 0
        nursery.cancel_scope.cancel()


async def test_a_body_is_moved_and_then_the_client_watched(scene: Scene) -> None:
    uploading(scene)
    scene.attempt.to_server = b"head "
    scene.client.send_nowait(b"0123456789")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(attend, scene.attempt)
        await wait_all_tasks_blocked()
        assert await scene.server.receive_some(100) == b"head 0123456789"
        assert scene.told == [("uploaded", 0.0)]
        scene.client.abort()
        await wait_all_tasks_blocked()
        assert scene.told == [("uploaded", 0.0), ("abandoned", 0.0)]


async def test_a_body_that_stalls_is_refused_after_its_idle_time(scene: Scene) -> None:
    uploading(scene)
    await run_until(scene, lambda: scene.client.send_nowait(b"01234"))
    assert scene.told == [("abandoned", 7.0)]
    assert scene.attempt.refusal is not None
    assert scene.attempt.refusal.status == 408


@pytest.mark.parametrize("leave", ["close", "abort"])
async def test_a_client_that_leaves_in_its_body_ends_the_attempt_at_once(
    scene: Scene, leave: str
) -> None:
    uploading(scene)
    await run_until(scene, getattr(scene.client, leave))
    assert scene.told == [("abandoned", 0.0)]
    assert scene.attempt.refusal is None


@pytest.mark.parametrize(("act", "at"), [("nothing", 5.0), ("abort", 0.0)])
async def test_a_server_that_reads_no_more_may_still_answer(
    scene: Scene, act: str, at: float
) -> None:
    uploading(scene)
    fill(scene.attempt.server_stream)
    scene.attempt.to_server = b"head"
    await run_until(scene, scene.server.abort if act == "abort" else lambda: None)
    assert scene.told == [("await the answer", at)]


async def test_alone_an_upload_is_moved_to_its_end(scene: Scene) -> None:
    uploading(scene)
    scene.client.send_nowait(b"0123456789")
    await upload_alone(scene.attempt)
    assert scene.told == [("uploaded", 0.0)]
    assert await scene.server.receive_some(100) == b"0123456789"


async def test_alone_an_upload_stops_for_an_early_answer(scene: Scene) -> None:
    uploading(scene)
    scene.client.send_nowait(b"01234")
    scene.server.send_nowait(b"HTTP/1.1 413 ")
    await wait_all_tasks_blocked()
    await upload_alone(scene.attempt)
    assert scene.told == []
    assert not scene.attempt.exchange.body.ended


async def test_an_upload_that_was_cancelled_goes_on_where_it_was(scene: Scene) -> None:
    uploading(scene)
    window = fill(scene.attempt.server_stream)
    scene.client.send_nowait(b"0123456789")
    with trio.move_on_after(0.05):
        await upload_alone(scene.attempt)
    received = b""

    async def take_all() -> None:
        nonlocal received
        while len(received) < window + 10:
            received += await scene.server.receive_some(65536)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(attend, scene.attempt)
        await take_all()
        assert received.endswith(b"x0123456789")
        nursery.cancel_scope.cancel()


async def test_a_refused_body_stops_the_attempt_with_its_refusal(scene: Scene) -> None:
    chunked = head_of("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked")
    exchange = scene.attempt.exchange
    scene.attempt.exchange = exchange_of(exchange.context, chunked, stream=exchange.client.stream)
    scene.attempt.is_uploading = True
    await run_until(scene, lambda: scene.client.send_nowait(b"xyz\r\n"))
    assert scene.told == [("abandoned", 0.0)]
    assert scene.attempt.refusal is not None
    assert scene.attempt.refusal.status == 400
