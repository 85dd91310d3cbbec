"""One client connection: its phases, its waits, and what a draining balancer does with it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.proxy.stage import context_of, news_of
from tests.support.raw import RawClient
from tests.support.stage import VirtualStage, open_pair
from trio_lb.config.schema import LimitsConfig, TimeoutsConfig
from trio_lb.model.events import Event, RequestFailed
from trio_lb.model.message import RequestHead
from trio_lb.proxy.connection import ClientConnection
from trio_lb.proxy.context import ProxyContext
from trio_lb.sim.env import SimEnv
from trio_lb.state.pool import Pool

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


class Nowhere:
    """A router that knows no pool, so that every request is a 404 of our own."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def pool_for(self, head: RequestHead) -> Pool | None:
        self.asked.append(head.target)
        return None


@attrs.frozen
class Scene:
    """A client, and the connection that serves it."""

    client: RawClient
    connection: ClientConnection
    context: ProxyContext
    router: Nowhere
    news: list[Event]

    def errors(self) -> list[str]:
        return [event.error for event in self.news if isinstance(event, RequestFailed)]


@asynccontextmanager
async def open_scene(env: SimEnv, **config: Any) -> AsyncGenerator[Scene]:
    """Serve one connection, without latency, until it ends or the block does."""
    net = env.network._net  # type: ignore[attr-defined] # The one that the fixture made.
    net.link("client", "server").set_latency(0.0)
    near, far = await open_pair(VirtualStage(net))
    context, router = context_of(env, **config), Nowhere()
    connection = ClientConnection(context, router, far, scheme="http")
    client = RawClient(near, "client")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        await wait_all_tasks_blocked()
        yield Scene(client, connection, context, router, news_of(context))
        client.reset()
        nursery.cancel_scope.cancel()


async def test_a_request_without_a_route_is_a_404_and_the_connection_goes_on(env: SimEnv) -> None:
    async with open_scene(env) as scene:
        for _ in range(3):
            await scene.client.send(GET)
            answer = await scene.client.read_response()
            assert (answer.status, answer.header("connection")) == (404, None)
        assert scene.router.asked == [b"/x"] * 3
        assert scene.errors() == ["no_route"] * 3


async def test_an_idle_connection_closes_when_it_is_told_to(env: SimEnv) -> None:
    async with open_scene(env) as scene:
        await scene.client.send(GET)
        await scene.client.read_response()
        await wait_all_tasks_blocked()
        assert scene.connection.is_idle
        scene.connection.close_if_idle()
        await scene.client.eof()
        assert trio.current_time() == 0.0


async def test_a_connection_that_was_told_to_close_before_it_ran_closes(env: SimEnv) -> None:
    net = env.network._net  # type: ignore[attr-defined] # As above.
    near, far = await open_pair(VirtualStage(net))
    connection = ClientConnection(context_of(env), Nowhere(), far, scheme="http")
    connection.close_if_idle()
    await connection.run()
    assert await near.receive_some(1) == b""
    near.close()


@pytest.mark.parametrize("part", [GET[:5], GET[:-1]])
async def test_a_connection_with_half_a_head_is_not_idle(env: SimEnv, part: bytes) -> None:
    async with open_scene(env) as scene:
        await scene.client.send(part)
        await wait_all_tasks_blocked()
        assert not scene.connection.is_idle
        scene.connection.close_if_idle()
        await scene.client.send(GET[len(part) :])
        assert (await scene.client.read_response()).status == 404


async def test_bytes_that_have_arrived_but_were_not_read_are_not_idle(env: SimEnv) -> None:
    async with open_scene(env) as scene:
        scene.client.stream.send_nowait(GET)
        scene.connection.close_if_idle()
        assert (await scene.client.read_response()).status == 404


async def test_a_draining_balancer_says_close_on_the_next_answer(env: SimEnv) -> None:
    async with open_scene(env) as scene:
        await scene.client.send(GET)
        await scene.client.read_response()
        scene.context.draining = True
        await scene.client.send(GET + GET)
        assert (await scene.client.read_response()).header("connection") == "close"
        await scene.client.expect_rest()
        assert len(scene.router.asked) == 2


HEADS = [
    (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
    (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "uri_too_long"),
    (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 100 + b"\r\n", 431, "fields_too_large"),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "version_not_supported"),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405, "method_not_allowed"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501,
     "not_implemented"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417, "expectation_failed"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "status", "code"), HEADS)
async def test_a_head_that_is_refused_ends_the_connection_and_asks_nobody(
    env: SimEnv, data: bytes, status: int, code: str
) -> None:
    async with open_scene(env) as scene:
        await scene.client.send(data + GET)
        answer = await scene.client.read_response()
        assert (answer.status, answer.header("connection")) == (status, "close")
        await scene.client.eof()
        assert (scene.router.asked, scene.errors()) == ([], [code])


async def test_the_last_answer_can_be_read_by_a_client_that_is_still_sending(env: SimEnv) -> None:
    async with open_scene(env) as scene:
        await scene.client.send(b"GET / HTTP/9.9\r\n\r\n")
        for _ in range(10):
            await trio.sleep(0.1)
            await scene.client.send(b"x" * 10_000)
        assert (await scene.client.read_response()).status == 505
        await scene.client.eof()


async def test_a_client_that_never_stops_sending_is_cut_after_two_seconds(env: SimEnv) -> None:
    async with open_scene(env) as scene:
        await scene.client.send(b"GET / HTTP/9.9\r\n\r\n")
        with pytest.raises(trio.BrokenResourceError):
            await scene.client.send_slowly(b"x" * 100, seconds_a_byte=0.1)
        assert 2.0 <= trio.current_time() <= 2.2


@pytest.mark.parametrize(
    ("knobs", "sent", "due"),
    [
        ({"client_head": 3.0}, b"", 3.0),
        ({"client_head": 30.0}, b"GET", 30.0),
        ({"client_keep_alive": 5.0}, GET, 5.0),
        ({"client_keep_alive": 0.0}, GET, 0.0),
        ({"client_keep_alive": 500.0, "client_head": 3.0}, GET + b"GET", 3.0),
        ({"client_keep_alive": 500.0, "client_head": 3.0}, GET + b"\r\n", 500.0),
    ],
)
async def test_each_wait_ends_when_it_is_due(
    env: SimEnv, knobs: dict[str, float], sent: bytes, due: float
) -> None:
    async with open_scene(env, timeouts=TimeoutsConfig(**knobs)) as scene:
        if sent:
            await scene.client.send(sent)
        await scene.client.expect_rest()
        assert trio.current_time() == due


@pytest.mark.parametrize(
    ("knobs", "served"),
    [({"requests_per_connection": 1}, 1), ({"requests_per_connection": 4}, 4),
     ({"connection_age": 2.5}, 4)],
)  # fmt: skip
async def test_a_connection_has_a_last_request(
    env: SimEnv, knobs: dict[str, Any], served: int
) -> None:
    async with open_scene(env, limits=LimitsConfig(**knobs)) as scene:
        for number in range(1, served + 1):
            await scene.client.send(GET)
            answer = await scene.client.read_response()
            assert answer.header("connection") == ("close" if number == served else None)
            await trio.sleep(1.0)
        await scene.client.eof()


async def test_a_client_that_resets_between_requests_owes_nobody_anything(env: SimEnv) -> None:
    async with open_scene(env) as scene:
        await scene.client.send(GET)
        await scene.client.read_response()
        scene.client.reset()
        await wait_all_tasks_blocked()
        assert scene.context.ledger.active == 0
