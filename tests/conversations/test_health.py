"""Servers that fall ill and recover: when it is noticed, who notices, what clients see."""

import pytest
import trio

from tests.conversations.play import GET, LAST_GET, Play, open_play, quick_retries, until
from tests.support.messages import Message
from tests.support.servers import HttpServer, answer_of
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig
from trio_lb.model.events import ServerEjected, ServerHealthChanged, ServerReadmitted

PROBES = HealthCheckConfig(path="/health", jitter_fraction=0.0)


class Surgery:
    """Answers a server's probes and requests, and notes the instants of the probes."""

    def __init__(self, server: HttpServer) -> None:
        self.probed_at: list[float] = []
        self.status = 200
        self._name = server.name.encode()
        server.answer = self._answer

    def _answer(self, request: Message) -> bytes:
        if request.target == "/health":
            self.probed_at.append(trio.current_time())
        return answer_of(self.status, self._name)


async def test_a_server_is_probed_at_once_and_then_at_each_interval(world: World) -> None:
    s1 = await world.http_server("s1")
    surgery = Surgery(s1)
    async with open_play(world, s1, health_check=PROBES) as play:
        await trio.sleep(21.0)
        assert surgery.probed_at == [0.0, 5.0, 10.0, 15.0, 20.0]
        (change,) = play.told(ServerHealthChanged)
        assert (change.at, change.is_healthy) == (0.0, True)


async def test_a_probed_server_gets_no_request_before_its_first_good_check(world: World) -> None:
    s1 = await world.http_server("s1")
    Surgery(s1)
    async with open_play(world, s1, health_check=PROBES) as play:
        world.link("s1").set_latency(0.25)
        assert (await play.ask()).status == 503
        await play.lb.wait_ready()
        assert (await play.ask()).status == 200


async def test_three_bad_checks_a_second_apart_take_a_server_out(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    ill, _ = Surgery(s1), Surgery(s2)
    async with open_play(world, s1, s2, health_check=PROBES) as play:
        await trio.sleep(7.0)
        ill.status = 500
        await trio.sleep(6.5)
        assert ill.probed_at == [0.0, 5.0, 10.0, 11.0, 12.0, 13.0]
        changes = [(each.server_id, each.at, each.is_healthy) for each in _changes(play)]
        assert changes == [("s1", 12.0, False)]
        ill.status = 200
        await trio.sleep(5.0)
        # Two good checks; then its own beat again.
        assert ill.probed_at[6:] == [14.0, 15.0]
        assert _changes(play)[-1].at == 15.0


def _changes(play: Play) -> list[ServerHealthChanged]:
    return [each for each in play.told(ServerHealthChanged) if each.at > 0.0]


async def test_a_refused_connect_is_noticed_at_once_and_costs_no_client_anything(
    world: World,
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    Surgery(s1), Surgery(s2)
    async with open_play(world, s1, s2, health_check=PROBES) as play:
        await trio.sleep(1.0)
        await s1.crash()
        statuses = set()
        for _ in range(40):
            statuses.add((await play.ask()).status)
            await trio.sleep(0.025)
        assert statuses == {200}
        out_at = min(each.at for each in play.news if _takes_out(each, "s1"))
        assert out_at < 2.0


def _takes_out(event: object, server_id: str) -> bool:
    if isinstance(event, ServerHealthChanged):
        return event.server_id == server_id and not event.is_healthy
    return isinstance(event, ServerEjected) and event.server_id == server_id


async def test_five_failures_in_a_row_eject_for_five_seconds_then_for_ten(world: World) -> None:
    """And for up to a tenth longer, by chance."""
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    s1.answer = lambda request: answer_of(500)
    async with open_play(world, s1, s2) as play:
        while trio.current_time() < 40.0:
            await play.ask()
            await trio.sleep(0.5)
        # Every other request goes to s1, so every second one fails: at 0, 1, 2, 3 and 4.
        first, second = play.told(ServerEjected)[:2]
        back, again = play.told(ServerReadmitted)[:2]
        assert first.at == 4.0
        assert 5.0 < first.until - first.at <= 5.5
        assert 10.0 < second.until - second.at <= 11.0
        assert (back.at, again.at) == (first.until, second.until)
        assert {each.server_id for each in play.told(ServerEjected)} == {"s1"}


async def test_servers_that_are_ejected_together_do_not_return_together(world: World) -> None:
    servers = [await world.http_server(f"s{number}") for number in range(1, 9)]
    for server in servers[:4]:
        server.answer = lambda request: answer_of(500)
    async with open_play(world, *servers) as play:
        for _ in range(40):
            await play.ask()
        assert [(each.server_id, each.at) for each in play.told(ServerEjected)] == [
            ("s1", 0.0), ("s2", 0.0), ("s3", 0.0), ("s4", 0.0),
        ]  # fmt: skip
        await trio.sleep(6.0)
        returns = [each.at for each in play.told(ServerReadmitted)]
        assert len(set(returns)) == 4
        assert all(5.0 < at <= 5.5 for at in returns)


async def test_a_client_s_fault_ejects_nobody(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    s1.answer = lambda request: answer_of(404)
    async with open_play(world, s1, s2) as play:
        for _ in range(40):
            await play.ask()
        assert play.told(ServerEjected) == []


async def test_servers_that_all_fail_alike_are_left_in(world: World) -> None:
    servers = [await world.http_server(name) for name in ("s1", "s2", "s3")]
    for server in servers:
        server.answer = lambda request: answer_of(500)
    async with open_play(world, *servers) as play:
        for _ in range(60):
            assert (await play.ask()).status == 500
        assert play.told(ServerEjected) == []


async def test_a_pool_that_is_down_says_when_to_come_back(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    Surgery(s1), Surgery(s2)
    async with open_play(world, s1, s2, health_check=PROBES) as play:
        await trio.sleep(1.0)
        await s1.crash()
        await s2.crash()
        await until(lambda: not play.lb.registry.pool("default").is_usable)
        client = await play.client()
        await client.send(GET)
        answer = await client.read_response()
        retry_after = answer.header("retry-after")
        assert (answer.status, answer.header("connection")) == (503, None)
        assert retry_after is not None
        assert int(retry_after) >= 1
        assert play.errors()[-1] == "no_healthy_server"


@pytest.mark.parametrize("down_seconds", [2.0, 30.0, 301.7])
async def test_a_pool_that_was_down_serves_within_a_second_of_its_return(
    world: World, down_seconds: float
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    Surgery(s1), Surgery(s2)
    async with open_play(world, s1, s2, health_check=PROBES, retry=quick_retries()) as play:
        await trio.sleep(1.0)
        await s1.crash()
        await s2.crash()
        await trio.sleep(down_seconds)
        # Before the next probe it is the first request that finds out.
        assert (await play.ask(LAST_GET)).status == (503 if down_seconds > 5.0 else 502)
        back_at = trio.current_time()
        await world.http_server("s1")
        for _ in range(20):
            if (await play.ask(LAST_GET)).status == 200:
                break
            await trio.sleep(0.05)
        assert trio.current_time() - back_at < 1.0
        assert (await play.ask(LAST_GET)).status == 200


async def test_without_probes_a_dead_pool_is_a_502_and_recovers_with_the_first_request(
    world: World,
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, retry=quick_retries()) as play:
        await s1.crash()
        for _ in range(10):
            assert (await play.ask()).status == 502
        await world.http_server("s1")
        assert (await play.ask()).status == 200
