"""Middleware that fails or hangs, clients and servers that leave it, and upgrades through it."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import trio

from tests.app.inside import as_it_is, open_wrapped
from tests.conversations.play import (
    GET,
    LAST_GET,
    answering,
    hang,
    timeouts,
    until,
)
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb import Request, Response
from trio_lb.app.middleware import CallNext, MiddlewareContext


@pytest.mark.parametrize("answer", ["a string", None, 200])
async def test_what_is_no_response_is_a_500_that_is_logged(
    answer: Any, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def nonsense(request: Request, context: MiddlewareContext, call_next: CallNext) -> Any:
        return answer

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], nonsense) as play:
        client = await play.client()
        await client.send(GET)
        said = await client.read_response()
        assert (said.status, said.header("connection")) == (500, None)
        await client.close()
        await play.settle()
        assert play.errors() == ["middleware_error"]
    assert "not a trio_lb.Response" in caplog.text


async def test_middleware_that_raises_ends_its_own_request_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def moody(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        response = await call_next()
        if request.path == "/bad":
            raise ZeroDivisionError("mine")
        return response

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], moody) as play:
        client = await play.client()
        await client.send(b"GET /bad HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        assert (await client.read_response()).status == 500
        assert (await client.read_response()).body == b"s1"
        await client.close()
        await play.settle()
        assert play.errors() == ["middleware_error", None]
    assert "ZeroDivisionError: mine" in caplog.text


async def test_middleware_that_never_answers_is_given_up_after_the_total_time(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def sleepy(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        await trio.sleep_forever()
        return await call_next()

    async with open_wrapped(world, [], sleepy, timeouts=timeouts(total=7.0)) as play:
        assert (await play.ask()).status == 504
        assert trio.current_time() == 7.0
        await play.settle()
        assert play.errors() == ["middleware_timeout"]
    assert "did not answer in time" in caplog.text


async def test_the_servers_time_is_not_the_middleware_s(world: World) -> None:
    server = await world.http_server("s1")
    server.think_seconds = 25.0
    async with open_wrapped(world, [server], as_it_is, timeouts=timeouts(total=20.0)) as play:
        assert (await play.ask()).status == 504
        await play.settle()
        assert (trio.current_time(), play.errors()) == (20.0, ["upstream_timeout"])


async def test_a_body_of_middleware_s_own_that_breaks_is_visibly_cut(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"half"
        raise ZeroDivisionError("mine")

    async def own(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        return Response(200, body=broken())

    async with open_wrapped(world, [], own) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_until(b"4\r\nhalf\r\n")
        await client.expect_reset()
        await client.close()
        await play.settle()
        assert play.errors() == ["middleware_error"]
    assert "ZeroDivisionError: mine" in caplog.text


async def test_a_body_that_stops_coming_is_cut_after_twice_the_idle_time(world: World) -> None:
    async def stuck() -> AsyncGenerator[bytes, None]:
        yield b"half"
        await trio.sleep_forever()

    async def own(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        return Response(200, body=stuck())

    async with open_wrapped(world, [], own, timeouts=timeouts(idle=3.0)) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_until(b"4\r\nhalf\r\n")
        await client.eof()
        assert trio.current_time() == 6.0
        await client.close()
        await play.settle()
        assert play.errors() == ["middleware_error"]


async def test_a_server_that_cuts_its_answer_short_is_named(world: World) -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    server = await world.server("s1", answering(short))
    async with open_wrapped(world, [server], as_it_is) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_until(b"abc")
        await client.eof()
        await client.close()
        await play.settle()
        assert play.errors() == ["upstream_truncated"]


async def test_a_client_that_leaves_ends_the_attempt_behind_middleware(world: World) -> None:
    server = await world.server("s1", answering(then=hang))
    async with open_wrapped(world, [server], as_it_is) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(1)
        assert play.server("s1").active_connections == 1
        client.reset()
        await play.settle()
        assert play.server("s1").active_connections == 0
        await play.settle()
        assert play.errors() == ["client_gone"]
        assert trio.current_time() == 1.0


async def test_a_response_that_middleware_throws_away_ends_at_its_server(world: World) -> None:
    async def throw(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        await call_next()
        return Response(200, body="mine")

    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(500_000)
    server = await world.server("s1", answering(endless, then=hang))
    async with open_wrapped(world, [server], throw) as play:
        assert (await play.ask()).body == b"mine"
        assert play.server("s1").active_connections == 0
        assert trio.current_time() == 0.0


UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"


async def test_an_upgrade_may_be_let_through(world: World) -> None:
    seen: list[int] = []

    async def look(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        request.headers["X-User"] = "me"
        response = await call_next(request)
        seen.append(response.status)
        return response

    async def echo(peer: RawPeer) -> None:
        assert b"X-User: me\r\n" in await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        await peer.expect(b"hello")
        await peer.send(b"hello yourself")
        await peer.eof()

    server = await world.server("s1", echo)
    async with open_wrapped(world, [server], look) as play:
        client = await play.client()
        await client.send(UPGRADE)
        assert (await client.read_response()).status == 101
        await client.send(b"hello")
        await client.expect(b"hello yourself")
        await client.close()
        await play.settle()
        await play.settle()
        assert [record.status for record in play.records()] == [101]
    assert seen == [101]


async def test_an_upgrade_may_be_refused(world: World) -> None:
    async def refuse(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        return Response(403, body="no")

    server = await world.server("s1", answering(then=hang))
    async with open_wrapped(world, [server], refuse) as play:
        client = await play.client()
        await client.send(UPGRADE)
        assert (await client.read_response()).status == 403
        await client.close()
    assert server.peers == []


async def test_a_body_that_was_streamed_to_a_server_can_not_be_sent_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def twice(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        await (await call_next()).aclose()
        return await call_next()

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], twice) as play:
        client = await play.client()
        size = 200_000
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        await trio.sleep(1)
        await client.send(bytes(size))
        assert (await client.read_response()).status == 500
        await client.close()
    assert "the request's body is gone" in caplog.text


async def test_an_early_answer_to_a_body_that_is_changed_as_it_comes(world: World) -> None:
    async def shout(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        source = aiter(request)

        async def louder() -> AsyncGenerator[bytes, None]:
            async for piece in source:
                yield piece.upper()

        request.body = louder()
        return await call_next(request)

    async def early(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.expect(b"2\r\nAB\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        await peer.expect(b"1\r\nC\r\n0\r\n\r\n")
        await peer.send(b"0\r\n\r\n")

    server = await world.server("s1", early)
    async with open_wrapped(world, [server], shout) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.send(b"2\r\nab\r\n")
        await client.expect_until(b"1\r\nx\r\n")
        await trio.sleep(5)
        await client.send(b"1\r\nc\r\n0\r\n\r\n")
        await client.expect(b"0\r\n\r\n")
        await client.close()
        await play.settle()
        assert play.errors() == [None]


async def test_what_a_body_made_by_middleware_raises_is_middleware_s_fault(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def own(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        async def broken() -> AsyncGenerator[bytes, None]:
            yield b"a"
            raise trio.BrokenResourceError("mine")

        if request.path == "/down":
            return Response(200, body=broken())
        request.body = broken()
        return await call_next(request)

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], own) as play:
        client = await play.client()
        await client.send(GET)
        assert (await client.read_response()).status == 500
        await client.send(b"GET /down HTTP/1.1\r\nHost: a\r\n\r\n")
        await client.expect_reset()
        await client.close()
        await play.settle()
        assert play.errors() == ["middleware_error"] * 2
    assert caplog.text.count("BrokenResourceError: mine") >= 2


async def test_a_client_that_stalls_in_a_body_that_middleware_reads_is_told_so(
    world: World,
) -> None:
    async def read(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        await request.read()
        return await call_next()

    waits = timeouts(client_body_idle=9.0)
    async with open_wrapped(world, [], read, timeouts=waits) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.read_response()).status == 408
        assert trio.current_time() == 9.0
        await client.close()
        await play.settle()
        assert play.errors() == ["request_timeout"]


async def test_a_client_that_leaves_in_a_body_that_middleware_reads_ends_it(world: World) -> None:
    async def read(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        await request.read()
        return await call_next()

    async with open_wrapped(world, [], read) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        await trio.sleep(1)
        client.reset()
        await play.settle()
        assert play.errors() == ["client_gone"]


async def test_a_stop_cuts_middleware_that_does_not_end(world: World) -> None:
    async def sleepy(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        await trio.sleep_forever()
        return await call_next()

    async with open_wrapped(world, [], sleepy) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(1)
        assert not await play.lb.shutdown(deadline_seconds=7)
        assert (trio.current_time(), play.errors()) == (8.0, ["cancelled"])
        await client.expect_reset()
        await client.close()


async def test_a_reader_that_is_slow_but_reads_is_served_behind_middleware(world: World) -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + b"x" * 600_000
    server = await world.server("s1", answering(big, then=hang))
    async with open_wrapped(world, [server], as_it_is) as play:
        client = await play.client()
        await client.send(LAST_GET)
        for _ in range(10):
            await trio.sleep(29.0)
            await client.stream.receive_some(25_000)
        while await client.stream.receive_some(65536):
            pass
        await play.settle()
        assert play.errors() == [None]


async def test_a_reader_that_takes_nothing_is_cut_behind_middleware_too(world: World) -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    server = await world.server("s1", answering(big))
    async with open_wrapped(world, [server], as_it_is) as play:
        client = await play.client()
        await client.send(GET)
        await until(lambda: bool(play.records()))
        assert play.records()[0].total_seconds == 30.0
        await client.expect_reset()
        assert play.errors() == ["client_gone"]
        assert play.server("s1").active_connections == 0


async def test_the_host_that_counts_is_the_one_that_middleware_sees(world: World) -> None:
    seen: list[str] = []

    async def look(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
        seen.append(request.headers["host"])
        return await call_next()

    server = await world.http_server("s1")
    async with open_wrapped(world, [server], look) as play:
        await play.ask(b"GET http://b/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert (seen, server.requests[0].header("host")) == (["b"], "b")
