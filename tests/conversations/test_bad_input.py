"""What others give us and is no good: a clear word, a defined outcome, and nobody else disturbed."""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
import trio

from tests.conversations.play import open_play
from tests.support.world import World
from trio_lb.config.schema import HealthCheckConfig, OutlierConfig, ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError
from trio_lb.model.events import ConfigRejected, Event
from trio_lb.model.probe_result import ProbeResult
from trio_lb.state.server import Server


def raises(candidates: Sequence[Server], context: object) -> Server:
    raise RuntimeError("no idea")


@pytest.mark.parametrize(
    ("algorithm", "about"),
    [
        (lambda candidates, context: "s1", "returned 's1'"),
        (lambda candidates, context: None, "returned None"),
        (lambda candidates, context: candidates, "which is not one of the candidates"),
        (raises, "raised RuntimeError('no idea')"),
    ],
)
async def test_an_algorithm_that_returns_nonsense_costs_its_picks_and_no_request(
    world: World, algorithm: Any, about: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = [await world.http_server(name) for name in ("s1", "s2")]
    async with open_play(world, *made, algorithm=algorithm) as play:
        assert [(await play.ask()).body for _ in range(4)] == [b"s1", b"s2", b"s1", b"s2"]
        assert play.errors() == [None] * 4
        play.lb.update_config(algorithm="round_robin")
        assert (await play.ask()).status == 200
    (first, *_) = [line.getMessage() for line in caplog.records if "algorithm" in line.getMessage()]
    assert "pool 'default'" in first
    assert about in first


async def test_an_algorithm_that_would_wait_is_refused_where_it_is_named(world: World) -> None:
    async def waits(candidates: Sequence[Server], context: object) -> Server:
        await trio.lowlevel.checkpoint()
        return candidates[0]

    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        with pytest.raises(ConfigError, match="'waits' is async"):
            play.lb.update_config(algorithm=waits)
        assert len(play.told(ConfigRejected)) == 1
        assert (await play.ask()).body == b"s1"


# ---------------------------------------------------------------------- probes of the caller's own


async def hangs(server: Server) -> ProbeResult:
    await trio.sleep_forever()
    raise AssertionError("unreachable")


async def explodes(server: Server) -> ProbeResult:
    raise RuntimeError("disk on fire")


async def says_nothing(server: Server) -> Any:
    return None


async def says_yes(server: Server) -> Any:
    return True


@pytest.mark.parametrize(
    ("check", "about"),
    [
        (hangs, "2 s"),
        (explodes, "disk on fire"),
        (says_nothing, "ProbeResult"),
        (says_yes, "ProbeResult"),
    ],
)
async def test_a_probe_that_is_no_good_is_a_bad_check_of_its_server_alone(
    world: World, check: Any, about: str
) -> None:
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    own = HealthCheckConfig(type="custom", check=check)
    async with open_play(
        world,
        ServerConfig(id="s1", address=s1.address, health_check=own),
        s2,
        health_check=HealthCheckConfig(interval=5.0, jitter_fraction=0.0),
    ) as play:
        await trio.sleep(12.0)
        status = play.lb.health.status()
        assert not status["s1"].healthy
        assert about in (status["s1"].last_error or "")
        assert status["s2"].healthy
        assert [(await play.ask()).body for _ in range(2)] == [b"s2", b"s2"]


# ---------------------------------------------------------------------- plans


async def test_a_plan_whose_parts_do_not_fit_changes_nothing(world: World) -> None:
    """One that a program built is looked at as a file is, also while the balancer runs."""
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        before = play.lb.config
        pool = before.pools["default"]
        (only,) = pool.servers
        twice = attrs.evolve(pool, servers=(only, attrs.evolve(only, id="again")))
        nobody = attrs.evolve(only, address=Address("app:nothing", 0))
        for pools in (
            {"other": pool},
            {"default": twice},
            {"default": attrs.evolve(pool, servers=(nobody,))},
        ):
            with pytest.raises(ConfigError):
                play.lb.apply(attrs.evolve(before, pools=pools))
        assert play.lb.config is before
        assert len(play.told(ConfigRejected)) == 3
        assert (await play.ask()).body == b"s1"


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"algorithm": "rund_robin"}, "algorithm: .*round_robin"),
        ({"timeouts": {"connect": 0}}, r"timeouts\.connect: 0"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, r"trusted_proxies\[0\].*10\.0\.0\.0/8"),
        ({"access": {"deny": ["everybody"]}}, r"access\.deny\[0\]"),
        ({"circuit_breaker": {"threshold": 50}}, r"circuit_breaker\.threshold"),
        ({"health_check": {"type": "custom"}}, r"health_check\.type"),
        ({"sticky_sessions": True}, "sticky_sessions: not supported in this version"),
        ({"listeners": []}, "listeners: is not changed alone"),
        ({"nonsense": 1}, "nonsense: unknown key"),
    ],
)
async def test_a_setting_that_is_refused_is_named_and_changes_nothing(
    world: World, given: dict[str, Any], about: str
) -> None:
    s1 = await world.http_server("s1")
    async with open_play(world, s1) as play:
        before = play.lb.config
        with pytest.raises(ConfigError, match=about):
            play.lb.update_config(max_retries=7, **given)
        assert play.lb.config is before
        assert len(play.told(ConfigRejected)) == 1
        assert (await play.ask()).body == b"s1"


# ---------------------------------------------------------------------- callbacks


async def test_a_callback_that_raises_is_logged_and_the_others_hear_the_same(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError("not my day")

    s1 = await world.http_server("s1")
    async with open_play(world, s1, outlier=OutlierConfig(enabled=False)) as play:
        play.lb.on("request_completed", broken)
        play.lb.on("request_completed", heard.append)
        assert (await play.ask()).body == b"s1"
        await play.settle()
        assert len(heard) == 1
    assert "not my day" in caplog.text
