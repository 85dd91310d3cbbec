"""What a program that holds a balancer is told of health and of failures, and when."""

import trio

from tests.conversations.play import LAST_GET, POST, answering, hang, open_play, patient
from tests.support.messages import Message
from tests.support.raw import RawPeer
from tests.support.servers import answer_of
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig, ServerConfig
from trio_lb.model.events import Event, RequestFailed, ServerHealthChanged
from trio_lb.policy.health import HealthState

PROBES = HealthCheckConfig(path="/health", jitter_fraction=0.0)


async def test_checks_that_hang_run_at_the_same_time_and_hold_no_request_up(world: World) -> None:
    """Each server passes its first check; every later one hangs to its timeout of 2 s."""
    checks: list[tuple[float, str]] = []

    def sick(name: str) -> object:
        async def script(peer: RawPeer) -> None:
            while not await peer.at_end():
                request = await peer.read_request()
                if request.target == "/health":
                    checks.append((trio.current_time(), name))
                    if len(checks) > 3:
                        await hang(peer)
                        return
                await peer.send(answer_of(200, name.encode()))

        return patient(script)

    names = ["s1", "s2", "s3"]
    servers = [await world.server(name, sick(name)) for name in names]  # type: ignore[arg-type] # A script.
    async with open_play(world, *servers, health_check=PROBES) as play:
        await trio.sleep(6.0)
        assert sorted(checks[3:]) == [(5.0, name) for name in names], "none waits for another"
        for _ in range(9):
            assert (await play.ask()).status == 200
            assert trio.current_time() == 6.0
        await trio.sleep(1.5)
        assert sorted(checks[6:]) == [(7.0, name) for name in names], "each gave up after 2 s"


async def test_only_healthy_servers_are_asked(world: World) -> None:
    """It answers requests as well as ever: it is its checks alone that keep it out."""
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    status = 200

    def answer(request: Message) -> bytes:
        return answer_of(status if request.target == "/health" else 200, b"s1")

    s1.answer = answer
    async with open_play(world, s1, s2, health_check=PROBES) as play:
        await trio.sleep(7.0)
        assert {(await play.ask()).body for _ in range(10)} == {b"s1", b"s2"}
        status = 500
        await trio.sleep_until(12.5)
        assert {(await play.ask()).body for _ in range(10)} == {b"s2"}
        status = 200
        await trio.sleep_until(15.0)
        await play.settle()
        assert {(await play.ask()).body for _ in range(10)} == {b"s1", b"s2"}


async def test_a_server_s_health_is_its_verdict_runs_times_and_last_error(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    s1.think_seconds = 0.25
    async with open_play(world, s1, s2, health_check=PROBES) as play:
        await trio.sleep(1.0)
        s1.think_seconds = 0.75
        await trio.sleep_until(9.0)
        s1.answer = lambda request: answer_of(503)
        await trio.sleep_until(11.0)
        health = play.server("s1").health
        assert health is not None
        seen = health.statistics()
        # Asked at 0, 5 and 10; it thought for a quarter and then three quarters of a second.
        assert seen.state is HealthState.HEALTHY
        assert (seen.last_check_at, seen.last_error) == (10.75, "status 503")
        assert (seen.consecutive_successes, seen.consecutive_failures) == (0, 1)
        assert seen.average_latency_seconds == 0.5
        assert [(each.at, each.result.ok) for each in health.history] == [
            (0.25, True),
            (5.75, True),
            (10.75, False),
        ]


async def test_changes_of_health_come_as_a_stream_with_their_reasons(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2, health_check=PROBES) as play:
        await trio.sleep(7.0)
        async with play.lb.subscribe(ServerHealthChanged) as changes:
            await s1.crash()
            assert await anext(changes) == ServerHealthChanged(
                at=12.0,
                pool="default",
                server_id="s1",
                is_healthy=False,
                reason="3 checks failed: connect refused",
            )
            assert trio.current_time() == 12.0, "it is told when it happens"
            await world.http_server("s1")
            back = await anext(changes)
            assert isinstance(back, ServerHealthChanged)
            assert (back.server_id, back.is_healthy, back.reason) == ("s1", True, "2 checks passed")


async def test_old_names_tell_each_direction_with_the_error(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    told: list[tuple[str, str]] = []
    async with open_play(world, s1, s2, health_check=PROBES) as play:
        await trio.sleep(1.0)
        for name in ("serverUnhealthy", "backend-unhealthy", "backend-healthy"):

            def note(event: Event, name: str = name) -> None:
                assert isinstance(event, ServerHealthChanged)
                told.append((name, f"{event.server_id}: {event.reason}"))

            play.lb.on(name, note)
        await s1.crash()
        await trio.sleep_until(10.0)
        await world.http_server("s1")
        await trio.sleep_until(20.0)
    reason = "s1: 3 checks failed: connect refused"
    assert told == [
        ("serverUnhealthy", reason),
        ("backend-unhealthy", reason),
        ("backend-healthy", "s1: 2 checks passed"),
    ]


async def test_a_failed_request_is_told_with_its_server_and_error(world: World) -> None:
    s1 = await world.server("s1", answering())
    async with open_play(world, s1) as play:
        assert (await play.ask(POST)).status == 502
        await play.settle()
        (event,) = play.told(RequestFailed)
        assert (event.server_id, event.error) == ("s1", "upstream_reset")


async def test_a_person_takes_a_server_out_and_gives_it_back_to_its_checks(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2, health_check=PROBES) as play:
        await trio.sleep(1.0)
        pool = play.lb.registry.pool("default")
        play.lb.publish(pool.health_override("s1", False, trio.current_time()))
        await trio.sleep(30.0)
        assert {(await play.ask(LAST_GET)).body for _ in range(6)} == {b"s2"}
        play.lb.publish(pool.health_override("s1", None, trio.current_time()))
        assert {(await play.ask(LAST_GET)).body for _ in range(6)} == {b"s1", b"s2"}
        manual = [each for each in play.told(ServerHealthChanged) if each.reason == "manual"]
        assert [(each.at, each.is_healthy) for each in manual] == [(1.0, False), (31.0, True)]


async def test_a_server_carries_whatever_its_operator_wrote_beside_it(world: World) -> None:
    s1 = await world.http_server("s1")
    notes = {"region": "eu-west", "capacity": 40, "version": "2.1"}
    described = ServerConfig(id="s1", address=s1.address, metadata=notes)
    async with open_play(world, described) as play:
        assert play.server("s1").metadata == notes
        assert (await play.ask()).body == b"s1"


async def test_the_record_of_a_failed_request_says_what_its_server_did(world: World) -> None:
    s1 = await world.http_server("s1")
    s1.answer = lambda request: b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"
    async with open_play(world, s1) as play:
        assert (await play.ask()).status == 502
        await s1.stop_listening()
        assert (await play.ask(POST)).status == 502
        broken, refused = play.records()
        assert (broken.error, refused.error) == (
            "upstream_bad_response",
            "upstream_connect_refused",
        )
        assert "content-length" in broken.reason.lower()
        assert refused.reason == f"{s1.address}: connection refused"
