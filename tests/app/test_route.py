"""Requests of the program's own: values in, values out, and the whole data path between."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import pytest
import trio

from tests.app.inside import open_inside, pieces
from tests.conversations.play import answering, hang
from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb import Address, Headers, NoHealthyServers, Request, RequestCut, Response
from trio_lb.config.schema import ServerConfig


async def body_of(response: Response) -> bytes:
    async with response:
        return await response.read()


async def test_a_request_is_answered_by_a_server_without_a_listener(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        response = await play.lb.route(Request("GET", "/a?b", {"X-Mine": "yes"}))
        assert (response.status, await response.read()) == (200, b"s1")
        assert response.headers["content-length"] == "2"
        assert "connection" not in response.headers
        (seen,) = server.requests
        assert (seen.method, seen.target, seen.header("x-mine")) == ("GET", "/a?b", "yes")
        assert (seen.header("host"), seen.header("x-forwarded-for")) == ("localhost", "127.0.0.1")
        (record,) = play.records()
        assert (record.target, record.status, record.error) == ("/a?b", 200, None)


async def test_the_client_that_is_named_is_the_one_that_servers_hear_of(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        request = Request("GET", "http://a.example:81/x", client=Address("192.0.2.7", 99))
        await body_of(await play.lb.route(request, scheme="https"))
        (seen,) = server.requests
        assert seen.header("x-forwarded-for") == "192.0.2.7"
        assert seen.header("x-forwarded-proto") == "https"
        assert (seen.target, seen.header("host")) == ("/x", "a.example:81")


async def test_a_body_of_bytes_and_one_in_pieces_arrive(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        whole = Request("POST", "/", body=b"whole")
        chunked = Request("PUT", "/", body=pieces(b"in ", b"", b"pieces"))
        declared = Request("POST", "/", {"Content-Length": "6"}, pieces(b"abc", b"def"))
        for request in (whole, chunked, declared):
            assert await body_of(await play.lb.route(request)) == b"s1"
        assert [seen.body for seen in server.requests] == [b"whole", b"in pieces", b"abcdef"]
        assert [seen.header("content-length") for seen in server.requests] == ["5", None, "6"]


async def test_a_large_body_passes_whole_both_ways(world: World) -> None:
    body = bytes(range(256)) * 4096
    server = await world.http_server("s1")
    server.answer = lambda request: answer_of(200, request.body)
    async with open_inside(world, server) as play:
        assert await body_of(await play.lb.route(Request("POST", "/", body=body))) == body


async def test_an_answer_streams_while_its_request_still_does(world: World) -> None:
    async def echo(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (data := await peer.stream.receive_some(1000)) != b"0\r\n\r\n":
            await peer.send(data)
        await peer.send(b"0\r\n\r\n")

    server = await world.server("s1", echo)
    async with open_inside(world, server) as play:
        request = Request("POST", "/", body=pieces(b"a", b"b", b"c", every_seconds=1.0))
        seen: list[tuple[float, bytes]] = []
        async with await play.lb.route(request) as response:
            async for piece in response:
                seen.append((trio.current_time(), piece))
        assert seen == [(1.0, b"a"), (2.0, b"b"), (3.0, b"c")]


async def test_a_failed_attempt_is_repaired_before_the_program_sees_it(world: World) -> None:
    bad = await world.server("bad", answering())
    good = await world.http_server("good")
    async with open_inside(world, bad, good) as play:
        response = await play.lb.route(Request("GET", "/"))
        assert await body_of(response) == b"good"
        assert [record.attempts for record in play.records()] == [2]


async def test_without_a_server_the_answer_is_a_503_that_says_so(world: World) -> None:
    async with open_inside(
        world, ServerConfig(id="s1", address=Address("s1", 1), disabled=True)
    ) as play:
        response = await play.lb.route(Request("GET", "/", {"Accept": "application/json"}))
        assert response.status == 503
        assert b"no healthy server" in await response.read()
        assert int(response.headers["retry-after"]) >= 1
        assert len(play.told(NoHealthyServers)) == 1


async def test_head_has_a_length_and_no_body(world: World) -> None:
    server = await world.server("s1", answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
    async with open_inside(world, server) as play:
        response = await play.lb.route(Request("HEAD", "/"))
        assert (response.headers["content-length"], await response.read()) == ("9", b"")


async def test_a_cancelled_request_is_taken_back_from_its_server(world: World) -> None:
    server = await world.server("s1", answering(then=hang))
    async with open_inside(world, server) as play:
        with trio.move_on_after(5) as scope:
            await play.lb.route(Request("GET", "/"))
        assert scope.cancelled_caught
        await play.settle()
        assert play.server("s1").active_connections == 0
        assert play.errors() == ["client_gone"]
        assert trio.current_time() == 5.0


async def test_a_response_that_is_closed_unread_ends_its_attempt(world: World) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(500_000)
    server = await world.server("s1", answering(endless, then=hang))
    async with open_inside(world, server) as play:
        response = await play.lb.route(Request("GET", "/"))
        assert response.status == 200
        await trio.sleep(1)
        assert play.server("s1").active_connections == 1
        await response.aclose()
        await play.settle()
        assert play.server("s1").active_connections == 0
        assert trio.current_time() == 1.0


async def test_a_response_that_is_dropped_holds_its_server_for_thirty_seconds(world: World) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(500_000)
    server = await world.server("s1", answering(endless, then=hang))
    async with open_inside(world, server) as play:
        response = await play.lb.route(Request("GET", "/"))
        await trio.sleep(29.9)
        assert play.server("s1").active_connections == 1
        await trio.sleep(0.2)
        assert play.server("s1").active_connections == 0
        with pytest.raises(RequestCut, match="cut short"):
            await response.read()


async def test_an_answer_that_its_server_cuts_short_is_no_whole_answer(world: World) -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    server = await world.server("s1", answering(short))
    async with open_inside(world, server) as play:
        response = await play.lb.route(Request("GET", "/"))
        with pytest.raises(RequestCut, match="cut short"):
            await response.read()
        assert play.errors() == ["upstream_truncated"]


@pytest.mark.parametrize(
    ("parts", "match"),
    [([b"abc", b"def"], "more than the declared 4"), ([b"abc"], "after 3 of the declared 4")],
)
async def test_a_body_of_another_length_than_declared_is_the_program_s_error(
    parts: Sequence[bytes], match: str, world: World
) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        with pytest.raises(ValueError, match=match):
            await play.lb.route(Request("POST", "/", {"Content-Length": "4"}, pieces(*parts)))
        await play.settle()
        assert play.errors() == ["client_gone"]
        assert server.requests == []


async def test_what_the_body_s_own_iterator_raises_comes_as_it_is(world: World) -> None:
    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"a"
        await trio.sleep(1)
        raise ZeroDivisionError("mine")

    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        with pytest.raises(ZeroDivisionError, match="mine"):
            await play.lb.route(Request("POST", "/", body=broken()))
        await play.settle()
        assert play.errors() == ["client_gone"]


async def test_a_body_that_breaks_as_streams_do_is_still_the_program_s(world: World) -> None:
    async def broken() -> AsyncGenerator[bytes, None]:
        yield b"a"
        raise trio.BrokenResourceError("my own stream")

    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        with pytest.raises(trio.BrokenResourceError, match="my own stream"):
            await play.lb.route(Request("POST", "/", body=broken()))
        await play.settle()
        assert trio.current_time() == 0.0


async def test_one_answer_may_be_the_body_of_another_request(world: World) -> None:
    server = await world.http_server("s1")
    server.answer = lambda request: answer_of(200, request.body + b"!")
    async with open_inside(world, server) as play:
        first = await play.lb.route(Request("POST", "/", body=b"a"))
        second = await play.lb.route(Request("POST", "/", body=first))
        assert await body_of(second) == b"a!!"


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [("/" + "x" * 30_000, {}, 414), ("/", {"X-A": "x" * 100_000}, 431), ("*", {}, 400)],
)
async def test_what_the_limits_refuse_is_refused_to_programs_too(
    target: str, headers: dict[str, str], status: int, world: World
) -> None:
    async with open_inside(world) as play:
        async with await play.lb.route(Request("GET", target, headers)) as response:
            assert response.status == status
        await play.settle()
        assert [record.status for record in play.records()] == [status]


async def test_a_body_that_nobody_wants_any_more_is_left_where_it_is(world: World) -> None:
    left: list[str] = []

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield bytes(50_000)
        finally:
            left.append("closed")

    refusal = b"HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"

    async def refuse(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(refusal)
        await hang(peer)

    server = await world.server("s1", refuse)
    async with open_inside(world, server) as play:
        response = await play.lb.route(Request("POST", "/", body=endless()))
        assert (response.status, await response.read()) == (413, b"no")
        await play.settle()
        assert left == ["closed"]


async def test_fields_of_one_hop_are_not_the_program_s_to_set(world: World) -> None:
    server = await world.http_server("s1")
    async with open_inside(world, server) as play:
        headers = {"Connection": "x-mine", "X-Mine": "1", "Upgrade": "h2c", "TE": "gzip"}
        await body_of(await play.lb.route(Request("GET", "/", headers)))
        (seen,) = server.requests
        assert (seen.header("x-mine"), seen.header("upgrade"), seen.header("te")) == (
            "1",
            None,
            None,
        )


async def test_an_unknown_pool_is_named(world: World) -> None:
    async with open_inside(world) as play:
        with pytest.raises(LookupError, match="nowhere"):
            await play.lb.route(Request("GET", "/"), pool="nowhere")


async def test_a_length_that_is_no_number_is_refused_before_anything_is_sent(world: World) -> None:
    class Nothing:
        def __aiter__(self) -> AsyncIterator[bytes]:
            raise AssertionError("nobody asks")

    async with open_inside(world) as play:
        headers = Headers({"Content-Length": "some"})
        with pytest.raises(ValueError, match="not a number of bytes"):
            await play.lb.route(Request("POST", "/", headers, Nothing()))
        assert play.records() == []
