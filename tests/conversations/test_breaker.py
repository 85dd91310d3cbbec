"""A breaker's whole life, at exact instants, while probes and requests go on."""

from collections.abc import Callable

import trio

from tests.conversations.play import (
    GET,
    Play,
    answering,
    hang,
    open_play,
    quick_retries,
    timeouts,
)
from tests.support.messages import Message
from tests.support.raw import RawPeer
from tests.support.servers import HttpServer, answer_of
from tests.support.world import World
from trio_lb.config.schema import (
    BreakerConfig,
    FallbackConfig,
    HealthCheckConfig,
    OutlierConfig,
)
from trio_lb.model.events import (
    CircuitBreakerHalfOpened,
    CircuitBreakerOpened,
    CircuitBreakerReset,
    ServerHealthChanged,
)

PROBES = HealthCheckConfig(path="/health", jitter_fraction=0.0)
NEVER_EJECTS = OutlierConfig(enabled=False)
COUNTS = BreakerConfig(threshold=None)
"""At its defaults: five failures in a row, 30 s, one trial at a time, three of them."""
UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n"


def ail(server: HttpServer, is_ill: Callable[[], bool]) -> None:
    """Let a server answer requests 500 while it is ill; its health page never notices."""

    def answer(request: Message) -> bytes:
        ill = is_ill() and request.target != "/health"
        return answer_of(500 if ill else 200, server.name.encode())

    server.answer = answer


def life(play: Play) -> list[tuple[str, float]]:
    """What became of the breakers, and when."""
    kinds = (CircuitBreakerOpened, CircuitBreakerHalfOpened, CircuitBreakerReset)
    words = dict(zip(kinds, ("open", "half-open", "closed"), strict=True))
    return [(words[type(each)], each.at) for each in play.news if isinstance(each, kinds)]


async def half_open(play: Play) -> None:
    """Open the breaker of the only server at 0.0, and wait until half a second after its pause."""
    for _ in range(5):
        await play.ask()
    await trio.sleep(30.5)


async def asked_later(play: Play) -> tuple[float, int]:
    """Wait seven sixteenths of a second and ask; return when, and with what status."""
    await trio.sleep(0.4375)
    return trio.current_time(), (await play.ask()).status


LET_IN_AFTER_A_SECOND = [(30.9375, 503), (31.375, 503), (31.8125, 200), (32.25, 200)]
"""What those see who come while the only trial waits for its client from 30.5 on."""


async def ask_until(play: Play, end: float) -> list[tuple[float, int]]:
    """Ask every seven eighths of a second, from 0.25 on; return when which failure was told.

    Thirty seconds are no multiple of that: no request comes at the instant of a change.
    """
    failed = []
    for number in range(int((end - 0.25) / 0.875) + 1):
        await trio.sleep_until(0.25 + 0.875 * number)
        status = (await play.ask()).status
        if status != 200:
            failed.append((trio.current_time(), status))
    await trio.sleep_until(end)
    return failed


async def test_a_whole_life_while_probes_and_traffic_go_on(world: World) -> None:
    """Requests go to s1 and s2 in turns; s1 is ill for fifty seconds, and no probe sees it."""
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    ail(s1, lambda: trio.current_time() < 50.0)
    pool = {"circuit_breaker": COUNTS}
    async with open_play(
        world, s1, s2, health_check=PROBES, outlier=NEVER_EJECTS, pool=pool
    ) as play:
        failed = await ask_until(play, 113.0)
        # Every second request is for s1: the fifth failure trips it. Thirty seconds later
        # its first trial fails, and the second opening lasts twice as long.
        assert failed == [(at, 500) for at in (0.25, 2.0, 3.75, 5.5, 7.25, 38.75)]
        assert life(play) == [
            ("open", 7.25),
            ("half-open", 37.25),
            ("open", 38.75),
            ("half-open", 98.75),
            ("closed", 103.5),
        ]
        assert {each.is_healthy for each in play.told(ServerHealthChanged)} == {True}
        assert [each.target for each in s1.requests].count("/health") == 23


async def test_with_nobody_else_it_answers_503_until_its_time_is_up(world: World) -> None:
    s1 = await world.http_server("s1")
    ail(s1, lambda: trio.current_time() < 10.0)
    async with open_play(world, s1, health_check=PROBES, pool={"circuit_breaker": COUNTS}) as play:
        failed = await ask_until(play, 40.0)
        assert failed[:5] == [(0.25 + 0.875 * number, 500) for number in range(5)]
        assert failed[5:] == [(0.25 + 0.875 * number, 503) for number in range(5, 39)]
        assert life(play) == [("open", 3.75), ("half-open", 33.75), ("closed", 36.125)]
        assert play.errors().count("no_healthy_server") == 34


async def test_the_503_names_the_breaker_no_address_and_the_instant_of_the_next_trial(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    ail(s1, lambda: True)
    async with open_play(world, s1, pool={"circuit_breaker": COUNTS}) as play:
        for _ in range(5):
            await play.ask()
        await trio.sleep(12.5)
        answer = await play.ask()
        assert (answer.status, answer.header("retry-after")) == (503, "18")
        assert b"no healthy server" in answer.body
        assert b"circuit breaker open" in answer.body
        assert s1.address.host.encode() not in answer.body


async def test_one_trial_at_a_time_and_the_others_go_elsewhere(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    ail(s1, lambda: trio.current_time() < 20.0)
    async with open_play(
        world, s1, s2, outlier=NEVER_EJECTS, pool={"circuit_breaker": COUNTS}
    ) as play:
        for _ in range(10):
            await play.ask()
        s1.think_seconds = 2.0
        s1.requests.clear()
        await trio.sleep(30.5)
        bodies: list[bytes] = []

        async def ask() -> None:
            bodies.append((await play.ask()).body)

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(ask)
            await play.settle()
            assert (len(s1.requests), len(bodies)) == (1, 19)
        assert (bodies.count(b"s1"), bodies.count(b"s2")) == (1, 19)
        assert play.lb.breaker("s1").state == "half_open"


async def test_a_trial_that_takes_ever_longer_keeps_its_place_until_it_is_cut(
    world: World,
) -> None:
    s1 = await world.server("s1", answering(then=hang))
    breaker = BreakerConfig(failure_threshold=1, threshold=None, timeout=5.0)
    async with open_play(
        world,
        s1,
        timeouts=timeouts(first_byte=3.0),
        retry=quick_retries(0),
        pool={"circuit_breaker": breaker},
    ) as play:
        assert (await play.ask()).status == 504
        await trio.sleep(6.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(play.ask)
            await play.settle()
            assert (await play.ask()).status == 503
        assert life(play) == [("open", 3.0), ("half-open", 8.0), ("open", 12.0)]


async def test_a_client_that_keeps_its_trial_waiting_holds_nobody_else_up(world: World) -> None:
    """Its permit is for the server's time: after a second another request is let in."""
    s1 = await world.http_server("s1")
    ail(s1, lambda: trio.current_time() < 20.0)
    async with open_play(
        world, s1, retry=quick_retries(0), pool={"circuit_breaker": COUNTS}
    ) as play:
        await half_open(play)
        dribbler = await play.client()
        await dribbler.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        seen: list[tuple[float, int]] = []
        for _ in range(4):
            await dribbler.send(b"x")
            seen.append(await asked_later(play))
        assert seen == LET_IN_AFTER_A_SECOND
        assert play.server("s1").active_connections == 1
        await dribbler.send(b"x" * 96)
        assert (await dribbler.read_response()).status == 200
        await play.settle()
        assert life(play) == [("open", 0.0), ("half-open", 30.0), ("closed", 32.25)]
        await dribbler.close()


async def test_a_client_that_takes_its_answer_slowly_holds_no_trial_up_either(world: World) -> None:
    s1 = await world.http_server("s1")
    ill, large = True, answer_of(200, b"x" * (1 << 20))

    def answer(request: Message) -> bytes:
        if request.target == "/large":
            return large
        return answer_of(500 if ill else 200)

    s1.answer = answer
    async with open_play(
        world, s1, retry=quick_retries(0), pool={"circuit_breaker": COUNTS}
    ) as play:
        await half_open(play)
        ill = False
        reader = await play.client()
        await reader.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        seen: list[tuple[float, int]] = []
        for _ in range(4):
            seen.append(await asked_later(play))
        assert seen == LET_IN_AFTER_A_SECOND
        assert len((await reader.read_response()).body) == 1 << 20
        await play.settle()
        assert life(play) == [("open", 0.0), ("half-open", 30.0), ("closed", 32.25)]


async def test_a_tunnel_holds_no_permit(world: World) -> None:
    """Its verdict stands with its head; two more tunnels beside it close the breaker."""
    ill = True

    async def switch(peer: RawPeer) -> None:
        await peer.expect_until(b"\r\n\r\n")
        await peer.send(answer_of(500) if ill else SWITCH)
        if not ill:
            await peer.expect_rest()

    s1 = await world.server("s1", switch)
    async with open_play(
        world, s1, retry=quick_retries(0), pool={"circuit_breaker": COUNTS}
    ) as play:
        await half_open(play)
        ill = False
        clients = [await play.client() for _ in range(3)]
        for client in clients:
            await client.send(UPGRADE)
            assert (await client.expect_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert life(play) == [("open", 0.0), ("half-open", 30.0), ("closed", 30.5)]
        assert play.server("s1").active_connections == 3
        for client in clients:
            await client.close()


async def test_refused_connections_and_silence_count_and_a_404_does_not(world: World) -> None:
    s1, s2, s3 = [await world.http_server(f"s{number}") for number in (1, 2, 3)]
    s1.answer = lambda request: answer_of(404)
    s2.think_seconds = 60.0
    breaker = BreakerConfig(failure_threshold=2, threshold=None)
    async with open_play(
        world,
        s1,
        s2,
        s3,
        outlier=NEVER_EJECTS,
        timeouts=timeouts(first_byte=1.0),
        retry=quick_retries(0),
        pool={"circuit_breaker": breaker},
    ) as play:
        await s3.crash()
        statuses = [(await play.ask()).status for _ in range(12)]
        assert (statuses.count(504), statuses.count(502)) == (2, 2)
        assert set(statuses) == {404, 502, 504}
        states = [play.lb.breaker(name).state for name in ("s1", "s2", "s3")]
        assert states == ["closed", "open", "open"]


async def test_a_share_of_failures_opens_it_as_well(world: World) -> None:
    s1 = await world.http_server("s1")
    ail(s1, lambda: len(s1.requests) % 2 == 0)
    breaker = BreakerConfig(failure_threshold=None, threshold=0.5, min_requests=10)
    async with open_play(world, s1, pool={"circuit_breaker": breaker}) as play:
        statuses = [(await play.ask()).status for _ in range(11)]
        assert statuses == [200, 500] * 5 + [503]
        (opened,) = play.told(CircuitBreakerOpened)
        assert opened.reason == "5 of 10 requests failed"


async def test_the_configured_answer_is_given_while_breakers_keep_everybody_out(
    world: World,
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    for server in (s1, s2):
        ail(server, lambda: True)
    fallback = FallbackConfig(
        status=503,
        body='{"error": "busy"}',
        headers={"Retry-After": "60", "Content-Type": "application/json"},
    )
    breaker = BreakerConfig(failure_threshold=2, threshold=None, fallback_response=fallback)
    async with open_play(world, s1, s2, pool={"circuit_breaker": breaker}) as play:
        statuses = [(await play.ask()).status for _ in range(4)]
        answer = await play.ask()
        assert (statuses, answer.status) == ([500] * 4, 503)
        assert answer.body == b'{"error": "busy"}'
        assert answer.header("retry-after") == "60"
        assert answer.header("content-type") == "application/json"
        assert play.errors()[-1] == "circuit_breaker_open"


async def test_a_fallback_is_not_given_when_a_server_is_out_for_another_reason(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    fallback = FallbackConfig(status=200, body="all is well")
    breaker = BreakerConfig(fallback_response=fallback)
    async with open_play(world, s1, health_check=PROBES, pool={"circuit_breaker": breaker}) as play:
        await play.lb.wait_ready()
        play.lb.health.set("s1", healthy=False)
        answer = await play.ask()
        assert answer.status == 503
        assert b"no healthy server" in answer.body


async def test_a_person_opens_and_closes_it_where_none_is_configured(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        play.lb.breaker("s1").open()
        await trio.sleep(3600.0)
        assert {(await play.ask()).body for _ in range(10)} == {b"s2"}
        assert play.lb.breaker("s1").state == "open"
        play.lb.breaker("s1").close()
        assert {(await play.ask()).body for _ in range(10)} == {b"s1", b"s2"}
        assert life(play) == [("open", 0.0), ("closed", 3600.0)]


async def test_a_failed_attempt_trips_it_and_the_request_goes_elsewhere(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    breaker = BreakerConfig(failure_threshold=1, threshold=None)
    async with open_play(
        world,
        s1,
        s2,
        outlier=NEVER_EJECTS,
        retry=quick_retries(),
        pool={"circuit_breaker": breaker},
    ) as play:
        await s1.crash()
        assert [(await play.ask()).status for _ in range(20)] == [200] * 20
        assert life(play) == [("open", 0.0)]
        assert play.server("s1").requests == 1


async def test_a_client_that_leaves_during_a_trial_decides_nothing(world: World) -> None:
    s1 = await world.http_server("s1")
    ail(s1, lambda: trio.current_time() < 20.0)
    async with open_play(world, s1, pool={"circuit_breaker": COUNTS}) as play:
        for _ in range(5):
            await play.ask()
        await trio.sleep(31.0)
        s1.think_seconds = 5.0
        client = await play.client()
        await client.send(GET)
        await trio.sleep(1.0)
        client.reset()
        await trio.sleep(1.0)
        assert play.lb.breaker("s1").state == "half_open"
        assert play.server("s1").is_usable, "the permit is back"
