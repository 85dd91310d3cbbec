"""A process without descriptors: nobody is blamed for it, and it passes when they come back."""

import pytest
import trio

from tests.conversations.play import GET, Play, open_play
from tests.support.world import World
from trio_lb.config.schema import (
    BreakerConfig,
    HealthCheckConfig,
    OutlierConfig,
    ProbeConfig,
    ServerConfig,
)
from trio_lb.control.check import check_server
from trio_lb.model.events import (
    CircuitBreakerOpened,
    NoHealthyServers,
    ServerEjected,
    ServerHealthChanged,
)
from trio_lb.model.probe_result import ProbeResult
from trio_lb.policy.health import HealthState
from trio_lb.state.server import Server

TCP = {"protocol": "tcp"}
JUDGES = {
    "outlier": OutlierConfig(consecutive_failures=1),
    "pool": {"circuit_breaker": BreakerConfig(enabled=True, failure_threshold=1)},
}
"""Judges that condemn a server for its first failure."""


def run_out(world: World, is_out: bool = True) -> None:
    world.net.host("lb").out_of_descriptors = is_out


def condemned(play: Play) -> list[str]:
    """The events that took a server out of rotation."""
    kinds = (CircuitBreakerOpened, NoHealthyServers, ServerEjected, ServerHealthChanged)
    return [event.name for event in play.news if isinstance(event, kinds)]


async def test_a_request_without_a_descriptor_is_told_that_it_is_our_fault(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2, **JUDGES) as play:
        run_out(world)
        answer = await play.ask()
        assert (answer.status, answer.header("retry-after")) == (503, "1")
        assert b"this proxy has no descriptor left" in answer.body
        assert play.errors() == ["out_of_descriptors"]
        run_out(world, False)
        assert (await play.ask()).status == 200


async def test_whoever_was_not_even_tried_is_not_judged(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2, **JUDGES) as play:
        run_out(world)
        for _ in range(20):
            assert (await play.ask()).status == 503
        assert condemned(play) == []
        assert [(one.requests, one.failures) for one in play.lb.servers()] == [(0, 0), (0, 0)]
        assert [one.is_usable for one in play.lb.servers()] == [True, True]


async def test_a_post_waits_for_a_descriptor_as_long_as_a_retry_does(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        run_out(world)
        client = await play.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
        await play.settle()
        run_out(world, False)
        assert (await client.read_response()).status == 200
        assert 0.0 < trio.current_time() <= 0.025, "one backoff: nothing was sent before"
        await client.close()
        assert play.server("s1").requests == 1


async def test_idle_connections_give_their_descriptors_to_a_request(world: World) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2) as play:
        assert [(await play.ask()).body for _ in range(2)] == [b"s1", b"s2"]
        client = await play.client()
        network = world.net.host("lb")
        idle = [len(world.link(name).streams) for name in ("s1", "s2")]
        assert idle == [2, 2], "both ends of one idle connection each"
        network.out_of_descriptors = True
        # The switch lets nobody in, whatever became free: it is seen that the two were closed.
        pools = play.lb.context.connections
        with pytest.raises(OSError, match="too many open files"):
            await pools.of(play.server("s1"), s1.address).connect()
        await trio.sleep(0.1)
        assert [len(world.link(name).streams) for name in ("s1", "s2")] == [0, 0]
        network.out_of_descriptors = False
        await client.send(GET)
        assert (await client.read_response()).status == 200
        await client.close()


async def test_a_tcp_client_is_reset_and_nobody_is_blamed(world: World) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1, listener=TCP, **JUDGES) as play:
        run_out(world)
        client = await play.client()
        with pytest.raises(trio.BrokenResourceError):
            await client.eof()
        assert play.errors() == ["out_of_descriptors"]
        assert [record.status for record in play.records()] == [503]
        assert condemned(play) == []


async def test_checks_that_cannot_be_made_change_no_verdict(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    checks = HealthCheckConfig(interval=1.0, timeout=0.5, jitter_fraction=0.0)
    async with open_play(world, s1, s2, health_check=checks) as play:
        await play.lb.wait_ready()
        play.news.clear()
        run_out(world)
        await trio.sleep(60.5)
        assert condemned(play) == []
        assert [one.is_usable for one in play.lb.servers()] == [True, True]
        (told,) = [each.message for each in caplog.records if each.name == "trio_lb.probes"]
        assert told[:20] in ("check of default/s1:", "check of default/s2:")
        assert told.endswith("too many open files); its verdict stays as it is")
        run_out(world, False)
        asked = len(s1.requests)
        await trio.sleep(2.0)
        assert len(s1.requests) - asked == 2, "they go on at their own pace"


async def test_another_probe_s_evidence_counts_though_one_could_not_ask(world: World) -> None:
    async def sick(server: object) -> ProbeResult:
        return ProbeResult(False, error="queue full")

    run_out(world)
    server = Server("api", ServerConfig(id="s1", address=world.stage.bind("s1", 80)), None)
    both = HealthCheckConfig(
        probes=(ProbeConfig(type="tcp"), ProbeConfig(type="custom", check=sick))
    )
    result = await check_server(server, both, world.env)
    assert (result.ok, result.unasked) == (False, False)
    assert result.detail == "custom sick: queue full"
    alone = await check_server(server, HealthCheckConfig(type="tcp"), world.env)
    assert (alone.ok, alone.unasked) == (False, True)


async def test_a_new_server_stays_unknown_until_it_could_be_asked(world: World) -> None:
    s1 = await world.http_server("s1")
    run_out(world)
    checks = HealthCheckConfig(interval=5.0, jitter_fraction=0.0)
    async with open_play(world, s1, health_check=checks) as play:
        await trio.sleep(20.0)
        health = play.server("s1").health
        assert health is not None
        assert health.state is HealthState.UNKNOWN
        run_out(world, False)
        with trio.fail_after(1.0):
            await play.lb.wait_ready()
