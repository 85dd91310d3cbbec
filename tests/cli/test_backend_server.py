"""The test server: honest HTTP/1.1, a name in every answer, and faults on demand."""

import trio

from tests.support.raw import RawClient
from tests.support.world import World
from trio_lb.cli.backend_server import IDLE_SECONDS, BackendServer, Behaviour
from trio_lb.model.address import Address

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def server(
    world: World, nursery: trio.Nursery, behaviour: Behaviour | None = None
) -> BackendServer:
    """A server on the load balancer's own host, which ``world.client()`` connects to."""
    listener = await world.env.network.listen(world.stage.bind("lb", 8000))
    world.front = listener.address
    server = BackendServer(world.env, listener, behaviour or Behaviour("Server A"))
    nursery.start_soon(server.serve)
    return server


async def ask(client: RawClient, request: bytes) -> int:
    await client.send(request)
    return (await client.read_response(request.split(b" ", 1)[0].decode())).status


async def test_names_itself_in_body_and_header(any_world: World, nursery: trio.Nursery) -> None:
    await server(any_world, nursery)
    client = await any_world.client()
    await client.send(GET)
    response = await client.read_response()
    assert (response.status, response.body) == (200, b"Server A\n")
    assert response.header("x-server") == "Server A"


async def test_answers_any_path_and_method_on_one_connection(
    world: World, nursery: trio.Nursery
) -> None:
    backend = await server(world, nursery)
    client = await world.client()
    for method in (b"GET", b"HEAD", b"POST", b"DELETE", b"OPTIONS", b"BREW"):
        assert await ask(client, method + b" /any HTTP/1.1\r\nHost: a\r\n\r\n") == 200
    assert backend.answered == 6


async def test_reads_bodies_to_their_end_before_the_next_request(
    world: World, nursery: trio.Nursery
) -> None:
    await server(world, nursery)
    client = await world.client()
    head = b"POST / HTTP/1.1\r\nHost: a\r\n"
    assert await ask(client, head + b"Content-Length: 3\r\n\r\nabc") == 200
    chunked = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    assert await ask(client, head + chunked) == 200
    assert await ask(client, GET) == 200


async def test_lets_a_client_that_expects_it_continue(world: World, nursery: trio.Nursery) -> None:
    await server(world, nursery)
    client = await world.client()
    await client.send(
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    )
    assert (await client.read_response()).status == 100
    assert await ask(client, b"abc") == 200


async def test_closes_after_an_answer_to_http_1_0(world: World, nursery: trio.Nursery) -> None:
    await server(world, nursery)
    client = await world.client()
    assert await ask(client, b"GET / HTTP/1.0\r\n\r\n") == 200
    await client.eof()


async def test_refuses_what_is_not_http_and_closes(world: World, nursery: trio.Nursery) -> None:
    await server(world, nursery)
    client = await world.client()
    assert await ask(client, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400
    await client.eof()


async def test_promises_no_tunnel(world: World, nursery: trio.Nursery) -> None:
    await server(world, nursery)
    client = await world.client()
    assert await ask(client, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n") == 405


async def test_an_answer_takes_exactly_its_latency(world: World, nursery: trio.Nursery) -> None:
    world.link("client").set_latency(0.0)
    await server(world, nursery, Behaviour(latency_seconds=0.25))
    client = await world.client()
    start = world.env.now()
    assert await ask(client, GET) == 200
    assert world.env.now() - start == 0.25


async def test_the_share_of_failures_is_drawn_by_lot(world: World, nursery: trio.Nursery) -> None:
    await server(world, nursery, Behaviour(fail_fraction=0.25))
    client = await world.client()
    statuses = [await ask(client, GET) for _ in range(400)]
    assert set(statuses) == {200, 500}
    assert 70 <= statuses.count(500) <= 130


async def test_a_name_that_is_no_header_value_loses_only_there(
    world: World, nursery: trio.Nursery
) -> None:
    await server(world, nursery, Behaviour("Gr\u00fcn\r\nX: y"))
    client = await world.client()
    await client.send(GET)
    response = await client.read_response()
    assert response.header("x-server") == "Gr?n??X: y"
    assert response.body == "Gr\u00fcn\r\nX: y\n".encode()


async def test_a_silent_client_is_left_after_a_minute(world: World, nursery: trio.Nursery) -> None:
    world.link("client").set_latency(0.0)
    await server(world, nursery)
    client = await world.client()
    start = world.env.now()
    await client.eof()
    assert world.env.now() - start == IDLE_SECONDS


async def test_a_crash_resets_connections_and_refuses_new_ones(
    world: World, nursery: trio.Nursery
) -> None:
    backend = await server(world, nursery)
    client = await world.client()
    assert await ask(client, GET) == 200
    await backend.crash()
    await client.expect_reset()
    listener = await world.env.network.listen(Address("127.0.0.1", 8000))
    await listener.aclose()


async def test_hangs_up_in_a_pattern_and_never_on_a_health_check(
    world: World, nursery: trio.Nursery
) -> None:
    backend = await server(world, nursery, Behaviour("Server A", drops=(True, False)))
    for expected in (b"", b"HTTP/1.1 200", b"", b"HTTP/1.1 200"):
        client = await world.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await client.expect_rest())[:12] == expected
        check = await world.client()
        assert await ask(check, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n") == 200
    assert backend.answered == 6
