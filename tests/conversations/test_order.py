"""Requests one after the other: in order, within bounds, interim answers where they belong."""

import itertools

import pytest
import trio

from tests.conversations.play import (
    GET,
    LAST_GET,
    OK,
    OLD_GET,
    Play,
    answering,
    hang,
    limits,
    open_play,
    patient,
    quick_retries,
)
from tests.support.messages import Message
from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb.net.inbox import LARGEST_READ
from trio_lb.proxy.attend import READ_AHEAD

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


def get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def echo_target(request: Message) -> bytes:
    return answer_of(200, request.target.encode())


async def test_three_pipelined_requests_with_a_slow_first_are_answered_in_order(
    world: World,
) -> None:
    async def think(peer: RawPeer) -> None:
        while not await peer.at_end():
            request = await peer.read_request()
            await trio.sleep(5.0 if request.target == "/1" else 0.0)
            await peer.send(echo_target(request))

    s1, s2 = await world.server("s1", think), await world.server("s2", think)
    async with open_play(world, s1, s2) as play:
        client = await play.client()
        await client.send(get("/1") + get("/2") + get("/3"))
        bodies = [(await client.read_response()).body for _ in range(3)]
        assert (trio.current_time(), bodies) == (5.0, [b"/1", b"/2", b"/3"])


async def test_nothing_is_served_after_the_request_that_asked_to_close(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(LAST_GET + get("/never"))
        assert (await client.read_response()).header("connection") == "close"
        await client.eof()
        assert [request.target for request in s1.requests] == ["/"]


async def test_nothing_is_served_after_a_head_that_is_none(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET + b"GET / HTTP/1.1\r\nHost : a\r\n\r\n" + get("/never"))
        assert (await client.read_response()).status == 200
        refusal = await client.read_response()
        assert (refusal.status, refusal.header("connection")) == (400, "close")
        await client.eof()
        assert [request.target for request in s1.requests] == ["/"]


async def test_reading_ahead_of_a_slow_answer_is_bounded(world: World) -> None:
    s1 = await world.server("s1", answering(then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        request = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 10_000)
        sent = 0
        async with trio.open_nursery() as nursery:

            async def pipeline() -> None:
                nonlocal sent
                for _ in range(100):
                    await client.send(request)
                    sent += len(request)

            nursery.start_soon(pipeline)
            await trio.sleep(10.0)
            nursery.cancel_scope.cancel()
        # What the proxy may hold, and what the window between it and the client holds.
        assert sent <= READ_AHEAD + LARGEST_READ + world.net.window_bytes
        client.reset()


async def test_a_hundred_pipelined_requests_are_answered_in_order(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.answer = echo_target
    async with open_play(world, s1) as play:
        client = await play.client()
        targets = [f"/{number}" for number in range(100)]
        await client.send(b"".join(map(get, targets)))
        bodies = [(await client.read_response()).body.decode() for _ in targets]
        assert bodies == targets
        assert len(s1.peers) == 1


async def test_interim_answers_reach_a_client_of_1_1_at_once(world: World) -> None:
    async def hint(peer: RawPeer) -> None:
        await peer.read_request()
        for _ in range(2):
            await trio.sleep(1.0)
            await peer.send(HINTS)
        await trio.sleep(1.0)
        await peer.send(OK)

    s1 = await world.server("s1", hint)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        for at, status in ((1.0, 103), (2.0, 103), (3.0, 200)):
            answer = await client.read_response()
            assert (trio.current_time(), answer.status) == (at, status)


async def test_interim_answers_do_not_reach_a_client_of_1_0(world: World) -> None:
    s1 = await world.server("s1", answering(HINTS + HINTS + OK, then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(OLD_GET)
        answer = await client.read_response()
        assert (answer.status, answer.body, answer.header("connection")) == (200, b"ok", "close")
        await client.eof()


async def test_interim_answers_do_not_move_the_first_byte_s_deadline(world: World) -> None:
    async def hint(peer: RawPeer) -> None:
        await peer.read_request()
        for _ in range(20):
            await trio.sleep(9.0)
            await peer.send(HINTS)

    s1 = await world.server("s1", patient(hint))
    async with open_play(world, s1, retry=quick_retries(0)) as play:
        client = await play.client()
        await client.send(GET)
        statuses = [(await client.read_response()).status for _ in range(4)]
        assert (trio.current_time(), statuses) == (30.0, [103, 103, 103, 504])


async def test_interim_answers_without_end_are_a_502(world: World) -> None:
    s1 = await world.server("s1", answering(HINTS * 1000, then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(GET)
        statuses = [(await client.read_response()).status for _ in range(33)]
        assert statuses == [103] * 32 + [502]
        assert play.errors() == ["upstream_bad_response"]
        assert len(s1.peers) == 1


async def test_the_thousandth_request_is_a_connection_s_last(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, limits=limits(requests_per_connection=3)) as play:
        client = await play.client()
        await client.send(GET * 4)
        answers = [await client.read_response() for _ in range(3)]
        assert [answer.header("connection") for answer in answers] == [None, None, "close"]
        await client.eof()


async def test_a_last_answer_is_not_overtaken_by_a_reset_when_the_client_has_asked_for_more(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 0.01
    async with open_play(world, s1, limits=limits(requests_per_connection=1)) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(0.005)
        await client.send(get("/never"))
        assert (await client.read_response()).header("connection") == "close"
        await client.eof()
        assert (trio.current_time(), len(s1.requests)) == (0.01, 1)


async def test_pipelined_requests_that_are_refused_leave_everybody_else_a_turn(
    world: World,
) -> None:
    turns: list[int] = []

    async def note_turns(play: Play) -> None:
        while len(turns) < 300:
            turns.append(len(play.records()))
            await trio.lowlevel.checkpoint()

    async with open_play(world) as play:
        client = await play.client()
        await client.send(GET * 100)
        await note_turns(play)
        assert turns[-1] == 100
        # The last of one pass and the first of the next may both be the connection's.
        assert max(after - before for before, after in itertools.pairwise(turns)) <= 2


async def test_an_old_connection_closes_after_its_next_answer(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        while trio.current_time() < 3600.0:
            await client.send(GET)
            assert (await client.read_response()).header("connection") is None
            await trio.sleep(60.0)
        await client.send(GET)
        assert (await client.read_response()).header("connection") == "close"
        await client.eof()


@pytest.mark.parametrize("stray", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"x"])
async def test_bytes_behind_an_answer_never_become_the_next_one(world: World, stray: bytes) -> None:
    s1 = await world.server("s1", answering(OK + stray, then=hang))
    async with open_play(world, s1) as play:
        client = await play.client()
        for _ in range(3):
            await client.send(GET)
            assert (await client.read_response()).body == b"ok"
        assert len(s1.peers) == 3


async def test_bytes_that_come_later_on_an_idle_connection_never_become_an_answer(
    world: World,
) -> None:
    async def blurt(peer: RawPeer) -> None:
        await trio.sleep(0.5)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await peer.expect_rest()

    s1 = await world.server("s1", answering(OK, then=blurt))
    async with open_play(world, s1) as play:
        client = await play.client()
        for _ in range(3):
            await client.send(GET)
            assert (await client.read_response()).body == b"ok"
            await trio.sleep(0.7)
        assert len(s1.peers) == 3


@pytest.mark.parametrize("answer", [b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"])
async def test_the_body_of_an_answer_that_has_none_is_dropped(world: World, answer: bytes) -> None:
    s1 = await world.server(
        "s1", answering(answer + b"\r\nContent-Length: 4\r\n\r\nevil", then=hang)
    )
    async with open_play(world, s1) as play:
        client = await play.client()
        for _ in range(2):
            await client.send(GET)
            assert (await client.read_response()).start == answer.decode()
        assert b"evil" not in client.received
        assert len(s1.peers) == 2


@pytest.mark.parametrize(
    ("method", "line"),
    [("HEAD", b"200 OK"), ("GET", b"204 No Content"), ("GET", b"304 Not Modified")],
)
async def test_a_late_body_of_an_answer_that_has_none_never_becomes_another_client_s(
    world: World, method: str, line: bytes
) -> None:
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"

    async def script(peer: RawPeer) -> None:
        if (await peer.read_request()).target == "/mine":
            await peer.send(OK)
        else:
            await peer.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n" % (line, len(evil)))
            await trio.sleep(0.005)
            await peer.send(evil)
        await peer.expect_rest()

    s1 = await world.server("s1", patient(script))
    async with open_play(world, s1) as play:
        attacker, victim = await play.client(), await play.client()
        await attacker.send(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert (await attacker.read_response(method)).start == f"HTTP/1.1 {line.decode()}"
        await victim.send(get("/mine"))
        assert (await victim.read_response()).body == b"ok"
        assert len(s1.peers) == 2
