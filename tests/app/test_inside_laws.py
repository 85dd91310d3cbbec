"""Laws of requests from inside and of middleware, whatever programs and servers do."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.inside import open_inside, open_wrapped
from tests.conversations.play import GET, answering, hang, quick_retries, reset, timeouts
from tests.support.clock import run_in_virtual_time
from tests.support.leaks import find_leaks
from tests.support.servers import Script, answer_of
from tests.support.stage import VirtualStage
from tests.support.world import World, open_world
from trio_lb import CallNext, Middleware, MiddlewareContext, Request, RequestCut, Response
from trio_lb.sim.network import VirtualNetwork

LARGE: Final = 200_000
"""More than a memory stream holds, and than a body that is kept."""

PIECES = st.lists(st.binary(max_size=3) | st.just(bytes(LARGE)), max_size=4)


async def streamed(pieces: list[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        await trio.lowlevel.checkpoint()
        yield piece


@settings(max_examples=40)
@given(method=st.sampled_from(["POST", "PUT", "M-X"]), pieces=PIECES, how=st.integers(0, 2))
def test_what_is_sent_arrives_and_what_is_answered_comes_back(
    method: str, pieces: list[bytes], how: int
) -> None:
    whole = b"".join(pieces)

    async def main() -> None:
        net = VirtualNetwork()
        async with open_world(VirtualStage(net)) as world:
            server = await world.http_server("s1")
            server.answer = lambda request: answer_of(200, request.body[::-1])
            async with open_inside(world, server) as play:
                headers = {"Content-Length": str(len(whole))} if how == 1 else {}
                body = whole if how == 0 else streamed(pieces)
                response = await play.lb.route(Request(method, "/x", headers, body))
                assert await response.read() == whole[::-1]
                await response.aclose()
            (seen,) = server.requests
            assert (seen.method, seen.body) == (method, whole)
        assert await find_leaks(net) == []

    run_in_virtual_time(main)


# ---------------------------------------------------------------------- middleware of every temper


async def passing(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    return await call_next()


async def answering_itself(
    request: Request, context: MiddlewareContext, call_next: CallNext
) -> Response:
    return Response(200, body=streamed([b"my", b"own"]))


async def raising(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    await call_next()
    raise ZeroDivisionError("on purpose")


async def hanging(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    await trio.sleep_forever()
    return await call_next()


async def reading(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    await request.read()
    response = await call_next()
    await response.read()
    return response


async def insisting(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    response = await call_next()
    return response if response.status < 500 else await call_next()


async def forgiving(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    try:
        return await call_next()
    except RequestCut:
        return Response(200, body="never mind")


async def breaking(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    return Response(200, {"Content-Length": "9"}, streamed([b"short"]))


async def tasting(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    response = await call_next()
    async for piece in response:
        return Response(203, body=piece)
    return Response(204)


async def hurrying(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    with trio.move_on_after(2.0):
        return await call_next()
    return Response(504)


async def doubling(request: Request, context: MiddlewareContext, call_next: CallNext) -> Response:
    answers: list[Response] = []

    async def ask() -> None:
        answers.append(await call_next())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        nursery.start_soon(ask)
    return answers[0]


STEPS = st.sampled_from(
    [
        passing,
        answering_itself,
        raising,
        hanging,
        reading,
        insisting,
        forgiving,
        breaking,
        tasting,
        hurrying,
        doubling,
    ]
)
SERVERS: Final[dict[str, Script]] = {
    "good": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "large": answering(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE + bytes(LARGE), then=hang
    ),
    "short": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"),
    "silent": answering(then=hang),
    "resetting": answering(then=reset),
    "failing": answering(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"),
}


async def be_served(world: World, steps: list[Middleware], temper: str, leaves: bool) -> int:
    """Let a client ask twice, and maybe leave in the middle; return the requests counted."""
    server = await world.server("s1", SERVERS[temper])
    limits = timeouts(total=5.0, idle=3.0, first_byte=4.0, write_stall=3.0)
    options = {"timeouts": limits, "retry": quick_retries()}
    async with open_wrapped(world, [server], *steps, **options) as play:
        client = await play.client()
        await client.send(GET * 2)
        with trio.move_on_after(1.0 if leaves else 60.0):
            with suppress(trio.BrokenResourceError):
                await client.expect_rest()
        client.reset()
        await trio.sleep(30.0)
        assert play.server("s1").active_connections == 0
        assert play.lb.connection_count == 0
        return len(play.records())


@settings(max_examples=60)
@given(
    steps=st.lists(STEPS, min_size=1, max_size=3),
    temper=st.sampled_from(sorted(SERVERS)),
    leaves=st.booleans(),
)
def test_whatever_middleware_does_the_books_balance_and_nothing_is_held(
    steps: list[Middleware], temper: str, leaves: bool
) -> None:
    async def main() -> None:
        net = VirtualNetwork()
        async with open_world(VirtualStage(net)) as world:
            assert await be_served(world, steps, temper, leaves) in (1, 2)
        assert await find_leaks(net) == []

    run_in_virtual_time(main)
