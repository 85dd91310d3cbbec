"""The balancer as an ASGI application."""

import asyncio
from functools import partial
from typing import Any

import httpx2
import hypercorn.trio
import pytest
import trio
from hypercorn.config import Config as HypercornConfig
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.app.inside import open_inside
from tests.asgi.server import Asked, body
from tests.conversations.play import answering, hang
from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb import Request, RequestCut, open_load_balancer
from trio_lb.asgi import ReverseProxy


async def asked(lb: Any, *messages: dict[str, Any], **scope: Any) -> Asked:
    """One request, answered to its end."""
    ask = Asked("http", messages or (body(),), **scope)
    await ReverseProxy(lb)(ask.scope, ask.receive, ask.send)
    return ask


async def test_a_request_is_forwarded_and_its_answer_comes_back(world: World) -> None:
    server = await world.http_server("s1")
    server.answer = lambda request: answer_of(201, b"made", "X-A: 1", "Set-Cookie: b")
    async with open_inside(world, server) as play:
        ask = await asked(
            play.lb,
            method="PATCH",
            path="/a b",
            raw_path=b"/a%20b",
            query_string=b"c=d",
            headers=[(b"host", b"here"), (b"x-mine", b"\xe9"), (b"connection", b"close")],
        )
        assert (ask.status, ask.body) == (201, b"made")
        assert (ask.headers[b"x-a"], ask.headers[b"content-length"]) == (b"1", b"4")
        assert b"connection" not in ask.headers
        (seen,) = server.requests
        assert (seen.method, seen.target) == ("PATCH", "/a%20b?c=d")
        assert (seen.header("host"), seen.header("x-mine")) == ("here", "é")
        assert seen.header("x-forwarded-for") == "192.0.2.9"
        assert len(play.records()) == 1


async def test_what_only_the_decoded_path_says_is_escaped_again(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        await asked(play.lb, path="/é/b?c")
        await asked(play.lb, scheme="https", client=None)
        assert [seen.target for seen in server.requests] == ["/%C3%A9/b%3Fc", "/"]
        assert server.requests[1].header("x-forwarded-proto") == "https"
        assert server.requests[1].header("x-forwarded-for") == "127.0.0.1"


async def test_a_body_in_pieces_is_sent_as_it_comes(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        ask = await asked(
            play.lb, body(b"ab", more=True), body(b"", more=True), body(b"c"), method="POST"
        )
        assert ask.status == 200
        assert server.requests[0].body == b"abc"
        whole = await asked(play.lb, body(b"abc"), method="POST")
        assert whole.status == 200
        assert server.requests[1].header("content-length") == "3"


async def test_the_answer_streams(world: World) -> None:
    async def then(peer: Any) -> None:
        await trio.sleep(2)
        await peer.send(b"1\r\nb\r\n0\r\n\r\n")

    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    server = await world.server("s1", answering(head, then=then))
    async with open_inside(world, server) as play:
        ask = await asked(play.lb)
        assert ask.body == b"ab"
        assert ask.at == [0.0, 0.0, 2.0, 2.0]


async def test_a_client_that_leaves_takes_its_request_back(world: World) -> None:
    server = await world.server("s1", answering(then=hang))
    async with open_inside(world, server) as play, trio.open_nursery() as nursery:
        ask = Asked("http", [body()])
        nursery.start_soon(ReverseProxy(play.lb), ask.scope, ask.receive, ask.send)
        await trio.sleep(1)
        assert play.server("s1").active_connections == 1
        ask.leave()
        await play.settle()
        assert play.server("s1").active_connections == 0
        assert (ask.said, play.errors()) == ([], ["client_gone"])


async def test_a_client_that_leaves_in_its_body_does_so_quietly(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        ask = await asked(play.lb, body(b"a", more=True), {"type": "http.disconnect"})
        assert ask.said == []
        await play.settle()
        assert play.errors() == ["client_gone"]


async def test_a_client_that_takes_no_more_ends_the_answer(world: World) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(500_000)
    server = await world.server("s1", answering(endless, then=hang))
    async with open_inside(world, server) as play:
        ask = Asked("http", [body()])
        ask.is_gone = True
        await ReverseProxy(play.lb)(ask.scope, ask.receive, ask.send)
        await play.settle()
        assert play.server("s1").active_connections == 0


async def test_an_answer_that_is_cut_is_cut_for_the_client_too(world: World) -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    server = await world.server("s1", answering(short))
    async with open_inside(world, server) as play:
        ask = Asked("http", [body()])
        with pytest.raises(RequestCut, match="cut short"):
            await ReverseProxy(play.lb)(ask.scope, ask.receive, ask.send)
        assert [message["type"] for message in ask.said] == [
            "http.response.start",
            "http.response.body",
        ]
        assert ask.said[-1]["more_body"]


async def test_what_can_not_be_said_in_http_1_is_a_400(world: World) -> None:
    async with open_inside(world) as play:
        ask = await asked(play.lb, headers=[(b"x y", b"1")])
        assert (ask.status, ask.headers[b"content-type"]) == (400, b"text/plain; charset=utf-8")
        assert b"not the name of a header" in ask.body


async def test_after_the_balancer_s_end_the_answer_is_503(world: World) -> None:
    async with open_inside(world) as play:
        lb = play.lb
    ask = await asked(lb)
    assert (ask.status, ask.body) == (503, b"the proxy has ended\n")


async def test_the_prefix_of_a_mount_stays_unless_it_is_stripped(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        for strips in (False, True):
            proxy = ReverseProxy(play.lb, strip_root_path=strips)
            app = Starlette(routes=[Mount("/api", app=proxy)])
            for path in ("/api/users", "/api/"):
                ask = Asked("http", [body()], path=path, raw_path=path.encode())
                await app(ask.scope, ask.receive, ask.send)
                assert ask.body == b"s1"
        assert [seen.target for seen in server.requests] == [
            "/api/users",
            "/api/",
            "/users",
            "/",
        ]


async def test_a_lifespan_is_acknowledged(world: World) -> None:
    async with open_inside(world) as play:
        ask = Asked("lifespan", [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        await ReverseProxy(play.lb)(ask.scope, ask.receive, ask.send)
        assert [message["type"] for message in ask.said] == [
            "lifespan.startup.complete",
            "lifespan.shutdown.complete",
        ]


async def test_another_kind_of_scope_is_refused(world: World) -> None:
    async with open_inside(world) as play:
        ask = Asked("smtp")
        with pytest.raises(ValueError, match="no scope of type 'smtp'"):
            await ReverseProxy(play.lb)(ask.scope, ask.receive, ask.send)


def test_a_server_that_does_not_run_on_trio_is_told_so() -> None:
    ask = Asked("http")
    proxy = ReverseProxy(None)  # type: ignore[arg-type] # It does not come to that.
    with pytest.raises(RuntimeError, match="needs a server on trio"):
        asyncio.run(proxy(ask.scope, ask.receive, ask.send))


@pytest.mark.real
async def test_it_stands_behind_a_real_asgi_server() -> None:
    async def hello(request: Request) -> str:
        return f"{request.method} {request.path} from {request.headers['x-real-ip']}"

    config = HypercornConfig()
    config.bind = ["127.0.0.1:0"]
    config.accesslog = config.errorlog = None
    async with (
        open_load_balancer({"servers": [{"id": "here", "app": hello}]}) as lb,
        trio.open_nursery() as nursery,
        httpx2.AsyncClient() as client,
    ):
        serve = partial(hypercorn.trio.serve, ReverseProxy(lb), config)
        (base,) = await nursery.start(serve)
        answer = await client.get(f"{base}/x")
        assert (answer.status_code, answer.text) == (200, "GET /x from 127.0.0.1")
        nursery.cancel_scope.cancel()
