"""Applications as servers, through a listener: what they answer, how they fail, who is disturbed."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.conversations.play import GET, LAST_GET, POST, Play, open_play, quick_retries
from tests.support.world import World
from trio_lb.config.schema import OutlierConfig, ServerConfig, TimeoutsConfig
from trio_lb.model.address import Address
from trio_lb.proxy.attempt import PATIENCE_SECONDS

UNHURT = OutlierConfig(enabled=False)


def hosted(app: object, name: str = "app") -> ServerConfig:
    return ServerConfig(id=name, address=Address(f"app:{name}", 0), app=app)


def get(path: str) -> bytes:
    return LAST_GET.replace(b"GET /", b"GET " + path.encode())


def site(*routes: tuple[str, Any]) -> Starlette:
    return Starlette(
        routes=[Route(path, endpoint, methods=["GET", "POST"]) for path, endpoint in routes]
    )


async def told(request: Request) -> Response:
    """Say what came of the request."""
    body = await request.body()
    client = request.client.host if request.client else "?"
    text = f"{request.method} {request.url} from {client}: {body.decode()}"
    return PlainTextResponse(text, headers={"X-Path": request.scope["raw_path"].decode()})


async def test_an_application_sees_the_request_that_the_client_sent(world: World) -> None:
    async with open_play(world, hosted(site(("/{rest:path}", told)))) as play:
        client = await play.client()
        await client.send(POST.replace(b"POST / ", b"POST /caf%C3%A9?q=%20 "))
        answer = await client.read_response("POST")
        peer = world.net.host("client").address
        said = f"POST http://a/café?q=%20 from {peer}: body"
        assert (answer.status, answer.body.decode()) == (200, said)
        assert answer.header("x-path") == "/caf%C3%A9"
        assert answer.header("content-length") == str(len(said.encode()))
        assert answer.header("date")
        assert trio.current_time() == 0.0
        await client.send(GET)
        assert (await client.read_response()).status == 200, "the connection goes on"
        assert [record.error for record in play.records()] == [None, None]


async def test_what_an_application_streams_arrives_piece_by_piece(world: World) -> None:
    async def clock(request: Request) -> Response:
        async def ticks() -> AsyncGenerator[str, None]:
            for _ in range(3):
                await trio.sleep(10.0)
                yield f"{trio.current_time():g} "

        return StreamingResponse(ticks())

    async with open_play(world, hosted(site(("/", clock)))) as play:
        client = await play.client()
        await client.send(GET)
        seen = []
        for text in (b"10 ", b"20 ", b"30 "):
            await client.expect_until(text)
            seen.append(trio.current_time())
        assert seen == [10.0, 20.0, 30.0]


async def test_a_flood_waits_for_its_reader(world: World) -> None:
    sent = 0

    async def flood(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
            sent += 1000

    async with open_play(world, hosted(flood), hosted(site(("/", told)), "other")) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_until(b"x")
        await play.settle()
        held = sent
        assert held < 2_000_000, "what the way holds, and no more"
        await trio.sleep(5.0)
        assert sent == held
        assert (await play.ask(LAST_GET)).status == 200
        client.reset()


async def test_an_upload_reaches_an_application_while_it_comes(world: World) -> None:
    seen: list[tuple[float, bytes]] = []

    async def eat(request: Request) -> Response:
        async for piece in request.stream():
            seen.append((trio.current_time(), piece))
        return PlainTextResponse("eaten")

    async with open_play(world, hosted(site(("/", eat)))) as play:
        client = await play.client()
        await client.send(POST.replace(b"Length: 4", b"Length: 8"))
        await trio.sleep(10.0)
        await client.send(b"more")
        assert (await client.read_response("POST")).body == b"eaten"
        # The proxy looks for the rest of a short body a moment before it sends what it has.
        first = PATIENCE_SECONDS
        assert [one for one in seen if one[1]] == [(first, b"body"), (10.0, b"more")]


async def test_work_in_the_background_holds_up_nobody(world: World) -> None:
    done: list[float] = []

    async def work() -> None:
        await trio.sleep(20.0)
        done.append(trio.current_time())

    async def start(request: Request) -> Response:
        return PlainTextResponse("started", background=BackgroundTask(work))

    async with open_play(world, hosted(site(("/", start)))) as play:
        client = await play.client()
        for _ in range(2):
            await client.send(GET)
            assert (await client.read_response()).body == b"started"
        assert (trio.current_time(), done) == (0.0, [])
        assert play.server("app").active_connections == 0
        await trio.sleep(20.0)
        await play.settle()  # All three wake at this instant, in any order.
        assert done == [20.0, 20.0]


async def test_what_is_raised_before_an_answer_is_a_500_and_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError("a secret")

    async with open_play(world, hosted(broken)) as play:
        client = await play.client()
        for _ in range(2):
            await client.send(GET)
            answer = await client.read_response()
            assert (answer.status, answer.body) == (500, b"the application failed\n")
        logged = [each for each in caplog.records if each.levelno >= logging.ERROR]
        assert [each.getMessage() for each in logged] == [
            f"app {broken.__qualname__} failed at GET /"
        ] * 2
        assert all(each.exc_info for each in logged)


async def test_what_is_raised_in_the_middle_of_an_answer_never_looks_like_its_end(
    world: World,
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        raise ZeroDivisionError

    async with open_play(world, hosted(broken)) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_until(b"part")
        assert not (await client.expect_rest()).endswith(b"0\r\n\r\n")
        await play.settle()
        assert play.errors() == ["upstream_truncated"]


async def test_one_that_hangs_is_cut_by_the_timeout_and_then_ended(world: World) -> None:
    ended: list[float] = []

    async def hang(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())

    async with open_play(
        world,
        hosted(hang),
        retry=quick_retries(0),
        outlier=UNHURT,
        timeouts=TimeoutsConfig(first_byte=3.0),
    ) as play:
        answer = await play.ask(LAST_GET)
        assert (answer.status, trio.current_time()) == (504, 3.0)
        await trio.sleep(10.0)
        assert ended == [8.0], "five seconds to tidy up, then it is cancelled"


async def test_an_application_hears_that_its_client_has_left(world: World) -> None:
    heard: list[tuple[str, float]] = []

    async def listen(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await receive()
        heard.append(((await receive())["type"], trio.current_time()))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        except OSError as error:
            heard.append((str(error), trio.current_time()))

    async with open_play(world, hosted(listen)) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(2.0)
        client.reset()
        await trio.sleep(1.0)
        assert heard == [("http.disconnect", 2.0), ("the client has left", 2.0)]
        assert play.errors() == ["client_gone"]


async def test_a_handler_answers_with_text_bytes_or_a_response(world: World) -> None:
    from trio_lb.model.request import Request as Asked
    from trio_lb.model.response import Response as Answer

    async def handler(request: Asked) -> Answer | bytes | str:
        if request.path == "/text":
            return "grüezi"
        if request.path == "/bytes":
            return b"\x00\x01"
        assert request.client is not None
        body = await request.read()
        return Answer(201, {"X-Client": request.client.host}, body[::-1])

    async with open_play(world, hosted(handler)) as play:
        text = await play.ask(get("/text"))
        assert (text.body.decode(), text.header("content-type")) == (
            "grüezi",
            "text/plain; charset=utf-8",
        )
        raw = await play.ask(get("/bytes"))
        assert (raw.body, raw.header("content-type")) == (
            b"\x00\x01",
            "application/octet-stream",
        )
        posted = await play.ask(POST.replace(b"Host: a", b"Host: a\r\nConnection: close"))
        assert (posted.status, posted.body) == (201, b"ydob")
        assert posted.header("x-client") == world.net.host("client").address


async def test_a_handler_whose_client_left_is_cancelled_at_once(world: World) -> None:
    ended: list[float] = []

    async def slow(request: object) -> str:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(trio.current_time())
        return "never"

    async with open_play(world, hosted(slow)) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(2.0)
        client.reset()
        await trio.sleep(1.0)
        assert ended == [2.0]


async def test_an_answer_to_an_upload_that_nobody_read_leaves_the_connection_whole(
    world: World,
) -> None:
    async def ignore(request: object) -> str:
        return "no, thanks"

    async with open_play(world, hosted(ignore)) as play:
        client = await play.client()
        for _ in range(3):
            await client.send(POST)
            assert (await client.read_response("POST")).body == b"no, thanks"


async def test_bad_neighbours_disturb_nobody(world: World) -> None:
    async def raises(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        raise BaseExceptionGroup("all at once", [ValueError("a"), ExceptionGroup("b", [OSError()])])

    async def hangs(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1000.0):
            await trio.sleep_forever()

    async def talks_nonsense(scope: Any, receive: Any, send: Any) -> None:
        while True:
            try:
                await send({"type": "nonsense"})
            except ValueError:
                await trio.lowlevel.checkpoint()
                if scope["type"] == "lifespan":
                    return
                break

    async def good(request: Any) -> str:
        await trio.lowlevel.checkpoint()
        return "good"

    neighbours = (raises, hangs, talks_nonsense)
    servers = [hosted(each, each.__name__) for each in neighbours]
    async with open_play(
        world,
        *servers,
        hosted(good, "good"),
        algorithm="weighted_round_robin",
        retry=quick_retries(0),
        outlier=UNHURT,
        timeouts=TimeoutsConfig(first_byte=2.0),
    ) as play:
        answers = [await play.ask(LAST_GET) for _ in range(8)]
        assert [answer.status for answer in answers] == [500, 504, 500, 200] * 2
        assert trio.current_time() == 4.0
        assert [server.active_connections for server in play.lb.servers()] == [0, 0, 0, 0]


async def test_a_websocket_is_refused_in_words(world: World) -> None:
    async with open_play(world, hosted(site(("/", told)))) as play:
        answer = await play.ask(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        assert (answer.status, answer.body) == (
            501,
            b"websockets do not lead to applications in this process\n",
        )


async def test_weights_count_for_applications_as_for_any_server(world: World) -> None:
    def named(name: str) -> Any:
        async def answer(request: object) -> str:
            return name

        return answer

    servers = [
        {"id": "a", "app": named("a"), "weight": 3},
        {"id": "b", "app": named("b"), "weight": 1},
    ]
    async with lb_of(world, {"servers": servers, "algorithm": "weighted_round_robin"}) as play:
        bodies = [(await play.ask()).body for _ in range(8)]
        assert (bodies.count(b"a"), bodies.count(b"b")) == (6, 2)


@asynccontextmanager
async def lb_of(world: World, settings: dict[str, Any]) -> AsyncGenerator[Play, None]:
    """A play in front of what a mapping describes."""
    from trio_lb.app import open_load_balancer
    from trio_lb.model.events import Event

    mapping = {"listeners": [{"bind": str(world.stage.bind("lb", 80))}], **settings}
    async with open_load_balancer(mapping, env=world.env) as lb, trio.open_nursery() as nursery:
        news: list[Event] = []
        lb.on(Event, news.append)
        (world.front,) = await nursery.start(lb.serve)
        yield Play(world, lb, news)
        nursery.cancel_scope.cancel()
