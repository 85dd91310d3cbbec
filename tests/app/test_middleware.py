"""Middleware: the program's own code around each request, and one entry in the books for each."""

import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio

from tests.app.inside import as_it_is, open_wrapped
from tests.conversations.play import (
    GET,
    LAST_GET,
    POST,
    answering,
    timeouts,
)
from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb import Address, ConfigError, Request, Response, open_load_balancer
from trio_lb.app.middleware import CallNext, Middleware, MiddlewareContext


async def test_the_first_is_outermost_and_what_is_not_touched_passes(world: World) -> None:
    calls: list[str] = []

    def named(name: str) -> Middleware:
        async def step(
            request: Request, context: MiddlewareContext, call_next: CallNext
        ) -> Response:
            calls.append(f"{name} in")
            response = await call_next()
            calls.append(f"{name} out")
            return response

        return step

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], named("a"), named("b")) as play:
        client = await play.client()
        for _ in range(2):
            await client.send(GET)
            answer = await client.read_response()
            assert (answer.status, answer.body, answer.header("content-length")) == (
                200,
                b"s1",
                "2",
            )
        await client.close()
        assert calls == ["a in", "b in", "b out", "a out"] * 2
        await play.settle()
        assert [record.status for record in play.records()] == [200, 200]
        assert [record.bytes_out for record in play.records()] == [2, 2]
        assert [record.attempts for record in play.records()] == [1, 1]
        assert play.lb.statistics().total_requests == 2


async def test_the_context_knows_what_is_known(world: World) -> None:
    seen: list[Any] = []

    async def look(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        seen.append((request.method, request.path, request.query, request.headers["host"]))
        seen.append((context.server, context.pool, context.client.host, context.attempts))
        context.state["me"] = context.lb.name
        response = await call_next()
        assert context.server is not None
        seen.append((context.server.id, context.pool, context.request_id))
        return response

    async def peek(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        seen.append(dict(context.state))
        return await call_next()

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], look, peek) as play:
        await play.ask(b"GET /a?b HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        (request_id,) = server.requests[0].all("x-request-id")
        (name,) = {play.lb.name}
    host = seen[1][2]
    assert seen == [
        ("GET", "/a", "b", "here"),
        (None, None, host, 0),
        {"me": name},
        ("s1", "default", request_id),
    ]


async def test_the_client_is_the_one_that_a_trusted_proxy_names(world: World) -> None:
    seen: list[Address | None] = []

    async def look(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        assert request.client == context.client
        seen.append(request.client)
        return Response(204)

    for trusted in ((), ("10.0.0.0/8",)):
        async with open_wrapped(world, [], look, trusted_proxies=trusted) as play:
            client = await play.client()
            peer = client.stream.local
            await client.send(
                b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n"
                b"Connection: close\r\n\r\n"
            )
            await client.read_response()
            await client.close()
            assert seen.pop() == (Address("192.0.2.1", 0) if trusted else peer)
    assert seen == []


async def test_a_request_can_be_changed_on_its_way(world: World) -> None:
    async def change(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        request.headers["X-Added"] = "1"
        del request.headers["X-Taken"]
        request.target = "/else"
        request.body = b"longer than before"
        return await call_next(request)

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], change) as play:
        await play.ask(
            b"POST / HTTP/1.1\r\nHost: a\r\nX-Taken: 1\r\nContent-Length: 4\r\n"
            b"Connection: close\r\n\r\nbody"
        )
    (seen,) = server.requests
    assert (seen.target, seen.body) == ("/else", b"longer than before")
    assert (seen.header("x-added"), seen.header("x-taken")) == ("1", None)


async def test_a_response_can_be_changed_on_its_way(world: World) -> None:
    async def shout(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        response = await call_next()
        body = (await response.read()).upper()
        response.headers["X-Loud"] = "yes"
        response.body = body + b"!"
        return response

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], shout) as play:
        answer = await play.ask()
    assert (answer.body, answer.header("content-length"), answer.header("x-loud")) == (
        b"S1!",
        "3",
        "yes",
    )


async def test_middleware_may_answer_itself_and_it_is_one_request(world: World) -> None:
    async def refuse(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        return Response(401, {"WWW-Authenticate": "Basic"}, "who are you?")

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], refuse) as play:
        answer = await play.ask()
        assert (answer.status, answer.body) == (401, b"who are you?")
        assert answer.header("www-authenticate") == "Basic"
        await play.settle()
        (record,) = play.records()
        assert (record.status, record.attempts, record.server_id) == (401, 0, None)
        assert record.error is None
    assert server.requests == []


async def test_an_answer_to_head_has_its_length_and_no_body(world: World) -> None:
    async def own(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        return Response(200, body=b"12345") if request.path == "/own" else await call_next()

    server = await world.server("s1", answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
    async with open_wrapped(world, [server], own) as play:
        for path, size in ((b"/own", "5"), (b"/", "9")):
            client = await play.client()
            await client.send(b"HEAD %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path)
            answer = await client.read_response("HEAD")
            assert answer.header("content-length") == size
            await client.eof()
            await client.close()


async def test_bodies_stream_both_ways_through_middleware(world: World) -> None:
    async def echo(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (data := await peer.stream.receive_some(1000)) != b"0\r\n\r\n":
            await peer.send(data)
        await peer.send(b"0\r\n\r\n")

    server = await world.server("s1", echo)
    async with open_wrapped(world, [server], as_it_is) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.expect_until(b"\r\n\r\n")
        for word in (b"2\r\nab\r\n", b"3\r\ncde\r\n"):
            await trio.sleep(1)
            await client.send(word)
            await client.expect(word)
        await client.send(b"0\r\n\r\n")
        await client.expect(b"0\r\n\r\n")
        await client.close()


async def test_a_client_s_body_can_be_read_and_is_then_kept(world: World) -> None:
    read: list[bytes] = []

    async def look(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        read.append(await request.read())
        return await call_next()

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], look) as play:
        client = await play.client()
        await client.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        assert (await client.read_response()).status == 100
        await client.send(b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n")
        assert (await client.read_response()).body == b"s1"
        await client.close()
    assert read == [b"abc"]
    (seen,) = server.requests
    assert (seen.body, seen.header("content-length"), seen.header("expect")) == (b"abc", "3", None)


async def test_the_server_s_word_to_go_on_reaches_a_client_that_waits_for_it(world: World) -> None:
    async def slow(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.expect(b"body")
        await peer.send(answer_of(200, b"well"))

    server = await world.server("s1", slow)
    async with open_wrapped(world, [server], as_it_is) as play:
        client = await play.client()
        head, body = POST.split(b"\r\n\r\n")
        await client.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert (await client.read_response()).status == 100
        await client.send(body)
        assert (await client.read_response()).body == b"well"
        await client.close()


async def test_middleware_may_ask_the_servers_again(world: World) -> None:
    async def insist(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        response = await call_next()
        while response.status == 500:
            await response.aclose()
            response = await call_next()
        return response

    server = await world.http_server("s1")
    answers = iter([answer_of(500, b"no"), answer_of(500, b"no"), answer_of(200, b"well")])
    server.answer = lambda request: next(answers)
    async with open_wrapped(world, [server], insist) as play:
        answer = await play.ask(POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert (answer.status, answer.body) == (200, b"well")
        await play.settle()
        (record,) = play.records()
        assert (record.status, record.attempts, record.error) == (200, 3, None)
    assert [seen.body for seen in server.requests] == [b"body"] * 3


async def test_a_refusal_of_ours_passes_through_and_is_named_in_the_books(world: World) -> None:
    seen: list[int] = []

    async def look(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        response = await call_next()
        seen.append(response.status)
        return response

    async with open_wrapped(world, [], look) as play:
        answer = await play.ask()
        assert (answer.status, seen) == (503, [503])
        assert b"no healthy server" in answer.body
        await play.settle()
        assert play.errors() == ["no_healthy_server"]


async def test_a_refusal_whose_status_was_changed_is_no_refusal(world: World) -> None:
    async def soften(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        response = await call_next()
        response.status = 404
        return response

    async with open_wrapped(world, [], soften) as play:
        answer = await play.ask()
        assert answer.status == 404
        assert b"no healthy server" in answer.body
        await play.settle()
        assert play.errors() == [None]


async def test_what_middleware_takes_is_not_taken_from_the_servers_time(world: World) -> None:
    async def slow(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        await trio.sleep(8.0)
        await (await call_next()).read()
        await trio.sleep(8.0)
        return await call_next()

    server = await world.http_server("s1")
    server.think_seconds = 8.0
    async with open_wrapped(world, [server], slow, timeouts=timeouts(total=10.0)) as play:
        assert (await play.ask()).body == b"s1"
        assert trio.current_time() == 32.0
        await play.settle()
        assert play.records()[0].total_seconds == 32.0


async def test_a_fallback_in_the_place_of_a_refusal_is_no_error(world: World) -> None:
    async def console(
        request: Request, context: MiddlewareContext, call_next: CallNext
    ) -> Response:
        response = await call_next()
        return response if response.status < 500 else Response(200, body="later")

    async with open_wrapped(world, [], console) as play:
        assert (await play.ask()).body == b"later"
        await play.settle()
        assert play.errors() == [None]


async def test_old_clients_get_no_chunks(world: World) -> None:
    async def two() -> AsyncGenerator[bytes, None]:
        yield b"on"
        yield b"ce"

    async def own(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        return Response(200, body=two())

    async with open_wrapped(world, [], own) as play:
        client = await play.client()
        await client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        head = await client.expect_until(b"\r\n\r\n")
        assert b"chunked" not in head
        assert await client.expect_rest() == b"once"
        await client.close()


async def test_calling_on_after_the_end_is_an_error(world: World) -> None:
    kept: list[CallNext] = []

    async def keep(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        kept.append(call_next)
        return Response(204)

    async with open_wrapped(world, [], keep) as play:
        assert (await play.ask(LAST_GET)).status == 204
        with pytest.raises(RuntimeError, match="after its request had ended"):
            await kept[0]()


async def test_what_can_not_be_called_is_refused_at_the_opening(world: World) -> None:
    wrong: Any = ["not me"]
    with pytest.raises(ConfigError, match=r"middleware\[0\]: is not callable"):
        async with open_load_balancer({"servers": []}, env=world.env, middleware=wrong):
            raise AssertionError("it opened")


async def test_without_middleware_nothing_stands_in_the_way(world: World) -> None:
    logging.getLogger("trio_lb").info("one look, and on")
    server = await world.http_server("s1")
    async with open_wrapped(world, [server]) as play:
        assert play.lb.context.middleware is None
        assert (await play.ask()).body == b"s1"
