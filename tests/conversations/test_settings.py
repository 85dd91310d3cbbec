"""What an operator sets is what happens: times, weights, headers, and which paths are passed on."""

from collections import Counter

import pytest
import trio

from tests.conversations.play import GET, LAST_GET, answering, hang, open_play, timeouts
from tests.support.messages import Message
from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb.app import open_load_balancer
from trio_lb.config.load import examine_text
from trio_lb.config.schema import HealthCheckConfig, ServerConfig
from trio_lb.model.events import ServerHealthChanged
from trio_lb.policy.balance.registry import ALGORITHMS
from trio_lb.sim.link import Connects

FILE = """
load_balancer:
  listeners: [{{bind: "{front}"}}]
  algorithm: {algorithm}
  health_check: false
  servers:
    - {{name: s1, address: "{first}", weight: 100}}
    - {{name: s2, address: "{second}", weight: 100}}
"""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_weights_of_a_hundred_each_in_a_file_balance_evenly(
    world: World, nursery: trio.Nursery, algorithm: str
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    text = FILE.format(
        front=world.stage.bind("lb", 80), algorithm=algorithm, first=s1.address, second=s2.address
    )
    config = examine_text(text, name="lb.yaml", environ={}).unwrap()
    async with open_load_balancer(config, env=world.env) as lb:
        (world.front,) = await nursery.start(lb.serve)
        client = await world.client()
        counts: Counter[bytes] = Counter()
        for _ in range(200):
            await client.send(GET)
            counts[(await client.read_response()).body] += 1
        await client.close()
        nursery.cancel_scope.cancel()
    drawn = {"random", "weighted_random", "power_of_two"}
    # By lot, six standard deviations of 200 fair draws are 42.
    assert abs(counts[b"s1"] - 100) <= (42 if algorithm in drawn else 0)
    assert counts.total() == 200


@pytest.mark.parametrize("seconds", [0.5, 4.0])
async def test_the_time_to_connect_can_be_set(world: World, seconds: float) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2, timeouts=timeouts(connect=seconds)) as play:
        world.link("s1").connects = Connects.BLACKHOLE
        answer = await play.ask()
        assert (trio.current_time(), answer.body) == (seconds, b"s2")


@pytest.mark.parametrize("seconds", [0.5, 45.0])
async def test_the_time_to_the_answer_s_first_byte_can_be_set(world: World, seconds: float) -> None:
    s1 = await world.server("s1", answering(then=hang))
    async with open_play(world, s1, timeouts=timeouts(first_byte=seconds)) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.read_response()).status == 504
        assert trio.current_time() == seconds


@pytest.mark.parametrize("seconds", [2.0, 90.0])
async def test_the_time_between_two_pieces_of_an_answer_can_be_set(
    world: World, seconds: float
) -> None:
    part = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    s1 = await world.server("s1", answering(part, then=hang))
    async with open_play(world, s1, timeouts=timeouts(idle=seconds)) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_rest()
        # A request is watched closely, with a clock for each wait, once it has taken 50 ms.
        assert trio.current_time() == 0.05 + seconds


@pytest.mark.parametrize("seconds", [2.0, 45.0])
async def test_the_time_in_which_a_reader_may_take_nothing_can_be_set(
    world: World, seconds: float
) -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
    s1 = await world.server("s1", answering(big))
    async with open_play(world, s1, timeouts=timeouts(write_stall=seconds)) as play:
        client = await play.client()
        await client.send(GET)
        await trio.sleep(seconds + 1.0)
        assert play.records()[0].total_seconds == 0.05 + seconds
        await client.expect_reset()


@pytest.mark.parametrize("seconds", [5.0, 120.0])
async def test_the_time_that_a_client_s_connection_is_kept_can_be_set(
    world: World, seconds: float
) -> None:
    s1 = await world.http_server("s1")
    kept = timeouts(client_keep_alive=seconds)
    async with open_play(world, s1, timeouts=kept) as play:
        client = await play.client()
        await client.send(GET)
        await client.read_response()
        await client.eof()
        assert trio.current_time() == seconds


@pytest.mark.parametrize("seconds", [1.5, 20.0])
async def test_the_time_that_a_server_s_connection_is_kept_can_be_set(
    world: World, seconds: float
) -> None:
    s1 = await world.http_server("s1")
    kept = timeouts(upstream_keep_alive=seconds)
    async with open_play(world, s1, timeouts=kept) as play:
        await play.ask()
        await trio.sleep(seconds - 0.25)
        assert len(world.link("s1").streams) == 2, "both ends of the one that is kept"
        await trio.sleep(0.5)
        assert world.link("s1").streams == {}


@pytest.mark.parametrize(
    ("interval", "fast", "threshold", "out_at"),
    [(5.0, 1.0, 3, 12.0), (0.5, 0.25, 3, 8.0), (2.0, 1.0, 1, 8.0)],
)
async def test_the_time_until_a_dead_server_is_out_without_traffic_can_be_set(
    world: World, interval: float, fast: float, threshold: int, out_at: float
) -> None:
    """It dies at 7.25; the next beat sees it, and as many fast ones as it takes confirm it."""
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    probes = HealthCheckConfig(
        interval=interval,
        timeout=0.2,
        fast_interval=fast,
        unhealthy_threshold=threshold,
        jitter_fraction=0.0,
    )
    async with open_play(world, s1, s2, health_check=probes) as play:
        await trio.sleep(7.25)
        await s1.crash()
        await trio.sleep(10.0)
        told = [each for each in play.told(ServerHealthChanged) if not each.is_healthy]
        assert [(each.server_id, each.at) for each in told] == [("s1", out_at)]


async def test_who_asked_and_how_reaches_the_server(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        await play.ask(LAST_GET.replace(b"Host: a", b"Host: shop.example"))
        (request,) = s1.requests
        client = world.net.host("client").address
        assert request.header("x-forwarded-for") == client
        assert request.header("x-real-ip") == client
        assert request.header("x-forwarded-proto") == "http"
        assert request.header("x-forwarded-host") == "shop.example"


@pytest.mark.parametrize("wanted", [True, False])
async def test_the_answer_says_who_answered_and_how_fast_when_that_is_wanted(
    world: World, wanted: bool
) -> None:
    s1 = await world.http_server("s1")
    s1.think_seconds = 0.25
    async with open_play(world, s1, answer_headers=wanted) as play:
        answer = await play.ask()
        said = [
            answer.header(name)
            for name in ("x-backend-server", "x-load-balanced", "x-backend-response-time")
        ]
        assert said == (["s1", "true", "250"] if wanted else [None] * 3)


@pytest.mark.parametrize(
    "path", ["/", "/api/servers", "/api/health", "/metrics", "/healthz", "/readyz", "/openapi.json"]
)
async def test_every_path_of_the_listener_for_traffic_is_the_servers(
    world: World, path: str
) -> None:
    seen: list[str] = []

    def answer(request: Message) -> bytes:
        seen.append(request.target)
        return answer_of(200, b"the server's own")

    s1 = await world.http_server("s1")
    s1.answer = answer
    async with open_play(world, s1) as play:
        got = await play.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert (got.body, seen) == (b"the server's own", [path])


async def test_a_disabled_server_is_never_asked(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    disabled = ServerConfig(id="s1", address=s1.address, disabled=True)
    async with open_play(world, disabled, s2) as play:
        assert {(await play.ask()).body for _ in range(10)} == {b"s2"}
        assert s1.peers == []


async def test_an_answer_streams_down_while_its_request_streams_up(world: World) -> None:
    async def echo(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        for _ in range(4):
            await peer.send(await peer.expect_bytes(1))

    s1 = await world.server("s1", echo)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        await client.expect_until(b"\r\n\r\n")
        for piece in (b"b", b"o", b"d", b"y"):
            await trio.sleep(1.0)
            await client.send(piece)
            await client.expect(piece)


async def test_a_tunnel_carries_both_directions_at_once(world: World) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

    async def talk(peer: RawPeer) -> None:
        """Send a byte a second, and expect one of the other side in each same second."""
        for _ in range(10):
            at = trio.current_time() + 1.0
            await trio.sleep_until(at)
            await peer.send(b"x")
            await peer.expect(b"x")
            assert trio.current_time() == at

    async def server(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\n" + upgrade)
        await talk(peer)

    s1 = await world.server("s1", server)
    async with open_play(world, s1) as play:
        client = await play.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + upgrade)
        await client.expect_until(b"\r\n\r\n")
        await talk(client)
        await client.close()
