"""Clients of httpx2 and httpx, balanced over servers in the same program."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from types import ModuleType
from typing import Any

import httpx  # noqa: ASYNC127 - both are served.
import httpx2
import pytest
import trio

from tests.app.inside import open_inside
from tests.conversations.play import answering, hang
from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb.httpx import BalancedTransport

LIBRARIES = pytest.mark.parametrize("library", [httpx2, httpx], ids=["httpx2", "httpx"])


def client_of(library: ModuleType, lb: Any, **options: Any) -> Any:
    return library.AsyncClient(transport=BalancedTransport(lb), base_url="http://api", **options)


async def pieces(*parts: bytes, every_seconds: float) -> AsyncGenerator[bytes, None]:
    for part in parts:
        await trio.sleep(every_seconds)
        yield part


@LIBRARIES
async def test_a_client_is_balanced_over_three_servers(library: ModuleType, world: World) -> None:
    servers = [await world.http_server(name) for name in ("s1", "s2", "s3")]
    async with open_inside(world, *servers) as play:
        async with client_of(library, play.lb) as client:
            answers = [await client.get("/a", params={"b": "c d"}) for _ in range(6)]
        assert [answer.text for answer in answers] == ["s1", "s2", "s3"] * 2
        assert [len(server.requests) for server in servers] == [2, 2, 2]
        (seen, _) = servers[0].requests
        assert (seen.target, seen.header("host")) == ("/a?b=c+d", "api")
        assert len(play.records()) == 6


@LIBRARIES
async def test_a_server_that_fails_is_not_the_client_s_concern(
    library: ModuleType, world: World
) -> None:
    bad = await world.server("bad", answering())
    good = await world.http_server("good")
    async with open_inside(world, bad, good) as play, client_of(library, play.lb) as client:
        assert (await client.get("/")).text == "good"


@LIBRARIES
async def test_bodies_go_up_whole_and_in_pieces(library: ModuleType, world: World) -> None:
    server = await world.http_server("s1")
    server.answer = lambda request: answer_of(200, request.body, "X-Answer: yes")
    async with open_inside(world, server) as play, client_of(library, play.lb) as client:
        answer = await client.post("/", json={"a": 1})
        assert (answer.json(), answer.headers["x-answer"]) == ({"a": 1}, "yes")
        streamed = await client.put("/", content=pieces(b"ab", b"c", every_seconds=0.0))
        assert streamed.content == b"abc"
        assert [seen.header("content-length") for seen in server.requests] == ["7", None]


@LIBRARIES
async def test_an_answer_streams(library: ModuleType, world: World) -> None:
    async def then(peer: Any) -> None:
        await trio.sleep(2)
        await peer.send(b"1\r\nb\r\n0\r\n\r\n")

    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    server = await world.server("s1", answering(head, then=then))
    async with open_inside(world, server) as play, client_of(library, play.lb) as client:
        seen: list[tuple[float, bytes]] = []
        async with client.stream("GET", "/") as answer:
            async for piece in answer.aiter_raw():
                seen.append((trio.current_time(), piece))
        assert seen == [(0.0, b"a"), (2.0, b"b")]


@LIBRARIES
async def test_the_balancer_s_own_answers_are_responses(library: ModuleType, world: World) -> None:
    async with open_inside(world) as play, client_of(library, play.lb) as client:
        answer = await client.get("/")
        assert (answer.status_code, answer.reason_phrase) == (503, "Service Unavailable")
        assert "no healthy server" in answer.text


@LIBRARIES
async def test_a_client_s_read_timeout_ends_the_attempt(library: ModuleType, world: World) -> None:
    server = await world.server("s1", answering(then=hang))
    async with (
        open_inside(world, server) as play,
        client_of(library, play.lb, timeout=3.0) as client,
    ):
        with pytest.raises(library.ReadTimeout, match="for 3 s"):
            await client.get("/")
        assert trio.current_time() == 3.0
        await play.settle()
        assert play.server("s1").active_connections == 0


@LIBRARIES
async def test_a_read_timeout_counts_between_two_pieces_of_the_answer(
    library: ModuleType, world: World
) -> None:
    async def then(peer: Any) -> None:
        await trio.sleep(2)
        await peer.send(b"b")
        await hang(peer)

    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na"
    server = await world.server("s1", answering(head, then=then))
    async with (
        open_inside(world, server) as play,
        client_of(library, play.lb, timeout=3.0) as client,
    ):
        with pytest.raises(library.ReadTimeout):
            await client.get("/")
        assert trio.current_time() == 5.0
        await play.settle()


@LIBRARIES
async def test_a_slow_upload_is_no_slow_answer(library: ModuleType, world: World) -> None:
    server = await world.http_server("s1")
    server.think_seconds = 2.0
    async with (
        open_inside(world, server) as play,
        client_of(library, play.lb, timeout=3.0) as client,
    ):
        answer = await client.post("/", content=pieces(b"a", b"b", every_seconds=4.0))
        assert answer.text == "s1"
        assert trio.current_time() == 10.0


@LIBRARIES
async def test_a_cancelled_client_takes_its_request_back(library: ModuleType, world: World) -> None:
    server = await world.server("s1", answering(then=hang))
    async with open_inside(world, server) as play, client_of(library, play.lb) as client:
        with trio.move_on_after(1) as scope:
            await client.get("/", timeout=None)
        assert scope.cancelled_caught
        await play.settle()
        assert play.errors() == ["client_gone"]


@LIBRARIES
async def test_an_answer_that_is_cut_is_a_protocol_error_of_the_other_side(
    library: ModuleType, world: World
) -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    server = await world.server("s1", answering(short))
    async with open_inside(world, server) as play, client_of(library, play.lb) as client:
        with pytest.raises(library.RemoteProtocolError, match="cut short"):
            await client.get("/")


@LIBRARIES
async def test_an_answer_that_is_left_is_left_at_its_server_too(
    library: ModuleType, world: World
) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(500_000)
    server = await world.server("s1", answering(endless, then=hang))
    async with open_inside(world, server) as play, client_of(library, play.lb) as client:
        async with client.stream("GET", "/") as answer:
            assert answer.status_code == 200
        await play.settle()
        assert play.server("s1").active_connections == 0


@LIBRARIES
async def test_what_http_can_not_say_is_the_client_s_error(
    library: ModuleType, world: World
) -> None:
    async with open_inside(world) as play, client_of(library, play.lb) as client:
        with pytest.raises(library.LocalProtocolError, match="line break"):
            await client.get("/", headers={"X-A": "1\r\nEvil: 1"})


@LIBRARIES
async def test_after_the_balancer_s_end_nothing_can_be_reached(
    library: ModuleType, world: World
) -> None:
    async with open_inside(world) as play:
        client = client_of(library, play.lb)
    async with client:
        with pytest.raises(library.ConnectError, match="has ended"):
            await client.get("/")


def test_without_either_library_the_extra_is_named() -> None:
    program = (
        "import sys\n"
        "sys.modules['httpx'] = sys.modules['httpx2'] = None\n"
        "try:\n    import trio_lb.httpx\n"
        "except ImportError as error:\n    print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "trio_lb.httpx needs the 'httpx' extra: pip install 'trio-lb[httpx]'\n"


def test_one_library_will_do() -> None:
    program = (
        "import sys\n"
        "sys.modules['httpx2'] = None\n"
        "import httpx, trio_lb.httpx\n"
        "print(issubclass(trio_lb.httpx.BalancedTransport, httpx.AsyncBaseTransport))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True\n"
