"""Second tries: who gets one, where it goes, when, and how many there may be."""

import pytest
import trio

from tests.conversations.play import (
    GET,
    LAST_GET,
    OK,
    POST,
    Play,
    answering,
    hang,
    open_play,
    quick_retries,
    reset,
    until,
)
from tests.support.raw import RawPeer
from tests.support.servers import HttpServer, answer_of
from tests.support.world import World
from trio_lb.config.schema import BudgetConfig, OutlierConfig, RetryConfig, ServerConfig
from trio_lb.model.events import RequestRetried, ServerSelected
from trio_lb.model.outcome import OutcomeKind

PUT = POST.replace(b"POST", b"PUT")


async def _idle_connection_dies_under(play: Play, s1: HttpServer, request: bytes) -> int:
    """Send ``request`` while the server's FIN is under way; return the status."""
    client = await play.client()
    await client.send(GET)
    assert (await client.read_response()).status == 200
    play.world.link("s1").set_latency(0.010)
    await trio.sleep(0.5)
    await s1.peers[0].close()
    await trio.sleep(0.005)
    await client.send(request)
    return (await client.read_response()).status


@pytest.mark.parametrize("request_bytes", [GET, PUT])
async def test_a_stale_connection_is_replaced_without_an_error_or_the_budget(
    world: World, request_bytes: bytes
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        assert await _idle_connection_dies_under(play, s1, request_bytes) == 200
        await play.settle()
        # The FIN is seen at 0.510; then come the handshake and the answer, a round trip each.
        assert trio.current_time() == pytest.approx(0.510 + 2 * 0.020)
        assert len(s1.requests) == 2
        assert [retry.outcome.kind for retry in play.told(RequestRetried)] == [OutcomeKind.STALE]
        assert play.lb.registry.pool("default").budget.spent_total == 0
        assert play.server("s1").failures == 0
        assert play.errors() == [None, None]


async def test_one_replay_is_free_and_the_next_stale_connection_takes_a_retry(
    world: World,
) -> None:
    servers = [await world.http_server(f"s{number}") for number in range(4)]
    async with open_play(world, *servers, retry=quick_retries(2)) as play:
        client = await play.client()
        for server in servers:
            await client.send(GET)
            assert (await client.read_response()).body == server.name.encode()
        for server in servers[:3]:
            server.answer = lambda request: b""
            await server.stop_listening()
        await client.send(GET)
        assert (await client.read_response()).status == 502
        kinds = [retry.outcome.kind for retry in play.told(RequestRetried)]
        assert kinds == [OutcomeKind.STALE, OutcomeKind.CONNECT_REFUSED, OutcomeKind.STALE]
        assert [len(server.requests) for server in servers] == [2, 2, 2, 1]
        assert play.lb.registry.pool("default").budget.spent_total == 2


async def test_a_post_on_a_stale_connection_is_a_502_and_never_sent_twice(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1) as play:
        assert await _idle_connection_dies_under(play, s1, POST) == 502
        await play.settle()
        assert [request.method for request in s1.requests + s2.requests] == ["GET"]
        assert play.errors() == [None, "upstream_reset"]
        assert play.server("s1").failures == 0


async def test_a_post_takes_no_connection_that_was_idle_for_a_second(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        for pause_seconds in (0.75, 1.0, 0.0):
            await client.send(POST)
            await client.read_response()
            await trio.sleep(pause_seconds)
        assert len(s1.peers) == 2


async def test_a_get_takes_no_connection_that_was_idle_for_four_seconds(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        client = await play.client()
        for pause_seconds in (3.75, 4.0, 0.0):
            await client.send(GET)
            await client.read_response()
            await trio.sleep(pause_seconds)
        assert len(s1.peers) == 2


async def test_a_post_whose_connect_is_refused_goes_elsewhere_at_once(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    await s1.stop_listening()
    async with open_play(world, s1, s2) as play:
        answer = await play.ask(POST)
        assert (trio.current_time(), answer.body) == (0.0, b"s2")
        assert [each.server_id for each in play.told(ServerSelected)] == ["s1", "s2"]


@pytest.mark.parametrize(
    "ending", [answering(), answering(then=reset), answering(b"HTTP/1.1 200 OK\r\nCont")]
)
async def test_a_post_that_a_server_took_and_dropped_is_a_502(world: World, ending: object) -> None:
    s1 = await world.server("s1", ending)  # type: ignore[arg-type] # pytest's parameters are objects.
    s2 = await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        assert (await play.ask(POST)).status == 502
        assert s2.requests == []
        assert play.errors() == ["upstream_reset"]


async def test_a_failure_that_is_not_tried_again_takes_nobody_else_s_turn(world: World) -> None:
    """Round robin would give every turn of s2 to the search for a second try that never comes."""
    s1 = await world.server("s1", answering())
    s2 = await world.http_server("s2")
    async with open_play(world, s1, s2, outlier=OutlierConfig(enabled=False)) as play:
        statuses = [(await play.ask(POST)).status for _ in range(6)]
        assert statuses == [502, 200] * 3
        assert len(s2.requests) == 3


@pytest.mark.parametrize("ending", [None, reset])
async def test_an_idempotent_request_that_was_dropped_goes_to_another_server(
    world: World, ending: object
) -> None:
    s1 = await world.server("s1", answering(then=ending))  # type: ignore[arg-type] # As above.
    s2 = await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        answer = await play.ask()
        (retry,) = play.told(RequestRetried)
        assert answer.body == b"s2"
        assert 0.0 <= retry.delay_seconds <= 0.025
        assert trio.current_time() == retry.at + retry.delay_seconds


async def test_backoffs_double_within_their_bounds_and_are_kept_to_the_instant(
    world: World,
) -> None:
    names = [f"s{number}" for number in range(8)]
    servers = [await world.server(name, answering()) for name in names]
    policy = RetryConfig(
        max_retries=7, base_delay=0.1, max_delay=0.5, budget=BudgetConfig(enabled=False)
    )
    async with open_play(world, *servers, retry=policy) as play:
        for _ in range(5):
            await play.ask()
        retries = play.told(RequestRetried)
        picks = play.told(ServerSelected)
        bounds = [0.1, 0.2, 0.4, 0.5, 0.5, 0.5, 0.5]
        for number, retry in enumerate(retries):
            assert 0.0 <= retry.delay_seconds <= bounds[retry.attempt - 1]
            request, attempt = divmod(number, 7)
            assert picks[request * 8 + attempt + 1].at == retry.at + retry.delay_seconds
        assert len(retries) == 35
        assert len({retry.delay_seconds for retry in retries}) == len(retries), "jitter is full"


async def test_a_request_reaches_at_most_three_servers_each_once(world: World) -> None:
    servers = [await world.server(f"s{number}", answering()) for number in range(5)]
    async with open_play(world, *servers, retry=quick_retries(2)) as play:
        assert (await play.ask()).status == 502
        assert [len(server.peers) for server in servers] == [1, 1, 1, 0, 0]
        assert play.records()[0].attempts == 3


async def test_the_only_server_is_tried_again_itself(world: World) -> None:
    tries = 0

    async def moody(peer: RawPeer) -> None:
        nonlocal tries
        await peer.read_request()
        tries += 1
        if tries == 3:
            await peer.send(OK)

    s1 = await world.server("s1", moody)
    async with open_play(world, s1, retry=quick_retries(2)) as play:
        assert (await play.ask()).body == b"ok"
        assert play.records()[0].attempts == 3


async def test_an_exhausted_budget_answers_at_once(world: World) -> None:
    servers = [await world.server(f"s{number}", answering()) for number in range(3)]
    spare = quick_retries(2, fraction=0.0, min_per_second=0.3)
    async with open_play(world, *servers, retry=spare) as play:
        attempts = []
        for _ in range(4):
            assert (await play.ask()).status == 502
            await play.settle()
            attempts.append(play.records()[-1].attempts)
        assert attempts == [3, 2, 1, 1]
        await trio.sleep(11.0)
        await play.ask()
        await play.settle()
        assert play.records()[-1].attempts == 3
        assert (
            play.lb.registry.pool("default").budget.statistics(trio.current_time()).refused_total
            == 3
        )


async def test_a_500_is_an_answer(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    s1.answer = lambda request: answer_of(500, b"sorry")
    async with open_play(world, s1, s2) as play:
        answer = await play.ask()
        assert (answer.status, answer.body) == (500, b"sorry")
        assert s2.requests == []


async def test_a_retry_never_takes_a_place_that_another_request_has_got(world: World) -> None:
    most = 0
    now = 0

    async def first_fails(peer: RawPeer) -> None:
        nonlocal most, now
        await peer.read_request()
        now += 1
        most = max(most, now)
        if len(s1.peers) > 1:
            await trio.sleep(5.0)
            await peer.send(OK)
        now -= 1

    s1 = await world.server("s1", first_fails)
    small = ServerConfig(id="s1", address=s1.address, max_connections=1)
    policy = RetryConfig(base_delay=1.0)
    async with open_play(world, small, retry=policy) as play:
        first, second = await play.client(), await play.client()
        await first.send(LAST_GET)
        await until(lambda: len(play.told(RequestRetried)) == 1)
        assert play.told(RequestRetried)[0].delay_seconds > 0.1, "the second comes meanwhile"
        await second.send(LAST_GET)
        statuses = [(await each.read_response()).status for each in (first, second)]
        assert most == 1
        assert statuses == [502, 200]


async def test_a_retry_never_goes_to_a_server_that_began_to_drain_meanwhile(world: World) -> None:
    s1 = await world.server("s1", answering())
    s2 = await world.http_server("s2")
    policy = RetryConfig(base_delay=1.0)
    async with open_play(world, s1, s2, retry=policy) as play:
        client = await play.client()
        await client.send(LAST_GET)
        await until(lambda: len(play.told(RequestRetried)) == 1)
        assert play.told(RequestRetried)[0].delay_seconds > 0.1
        play.lb.publish(
            play.lb.registry.pool("default").drain_server(
                "s2", trio.current_time(), expires_at=None
            )
        )
        assert (await client.read_response()).status == 502
        assert s2.requests == []


async def test_a_retry_never_goes_to_a_server_that_was_removed_meanwhile(world: World) -> None:
    s1 = await world.server("s1", answering())
    s2 = await world.http_server("s2")
    async with open_play(world, s1, s2, retry=RetryConfig(base_delay=1.0)) as play:
        client = await play.client()
        await client.send(LAST_GET)
        await until(lambda: len(play.told(RequestRetried)) == 1)
        assert play.told(RequestRetried)[0].delay_seconds > 0.1
        with play.server("s2").lease():  # Another request's: so that it drains for a while.
            play.lb.publish(
                play.lb.registry.pool("default").remove_server("s2", trio.current_time())
            )
            assert (await client.read_response()).status == 502
        assert s2.requests == []


async def test_a_server_that_comes_back_meanwhile_serves_the_retry(world: World) -> None:
    s1 = await world.server("s1", answering())
    s2 = await world.http_server("s2")
    drained = ServerConfig(id="s2", address=s2.address, disabled=True)
    async with open_play(world, s1, drained, retry=RetryConfig(base_delay=1.0)) as play:
        client = await play.client()
        await client.send(LAST_GET)
        await until(lambda: len(play.told(RequestRetried)) == 1)
        now = trio.current_time()
        play.lb.publish(play.lb.registry.pool("default").drain_server("s1", now, expires_at=None))
        play.lb.publish(
            play.lb.registry.pool("default").update_server(
                ServerConfig(id="s2", address=s2.address), now
            )
        )
        assert (await client.read_response()).body == b"s2"


async def test_connections_that_died_in_silence_cost_one_timeout(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        client = await play.client()
        for _ in range(2):
            await client.send(GET)
            await client.read_response()
        world.link("s1").stall()
        await client.send(GET)
        answer = await client.read_response()
        (retry,) = play.told(RequestRetried)
        assert answer.body == b"s2"
        assert trio.current_time() == 30.0 + retry.delay_seconds
        world.link("s1").heal()


async def test_an_answer_that_began_is_never_tried_again(world: World) -> None:
    s1 = await world.server("s1", answering(OK[:-1]))
    s2 = await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        client = await play.client()
        await client.send(GET)
        await client.expect_rest()
        assert s2.requests == []
        assert play.errors() == ["upstream_truncated"]


async def test_an_interim_answer_shows_that_a_connection_was_not_stale(world: World) -> None:
    interim = answering(OK, then=hang)

    async def hint_and_die(peer: RawPeer) -> None:
        await peer.read_request()
        await peer.send(OK)
        await peer.read_request()
        await peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")

    s1 = await world.server("s1", hint_and_die)
    s2 = await world.server("s2", interim)
    async with open_play(world, s1, s2, retry=quick_retries()) as play:
        client = await play.client()
        for status in (200, 200, 103):
            await client.send(GET) if status == 200 else await client.send(POST)
            assert (await client.read_response()).status == status
        assert (await client.read_response()).status == 502
        assert play.server("s1").failures == 1
