"""The household: pools that come later are looked after as those of the start are."""

import pytest
import trio

from tests.app.balancers import LB, open_lb
from tests.support.world import World
from trio_lb.config.load import load_mapping
from trio_lb.model.errors import ConfigError
from trio_lb.model.events import ConfigRejected, ConfigUpdated, ServerHealthChanged


async def test_a_pool_that_comes_later_is_probed_and_one_that_goes_is_not(world: World) -> None:
    server = await world.http_server("s3")
    async with open_lb(world) as at:
        probed = {"servers": [{"id": "s3", "address": str(server.address)}], "health_check": {}}
        at.lb.apply(load_mapping({**LB, "pools": {"api": probed}}))
        await trio.sleep(1.0)
        assert [each.server_id for each in at.told(ServerHealthChanged)] == ["s3"]
        at.lb.apply(load_mapping(LB))
        asked = len(server.peers)
        await trio.sleep(60.0)
        assert len(server.peers) == asked, "nobody asks any more"


async def test_the_timer_serves_a_pool_that_came_later(world: World) -> None:
    async with open_lb(world) as at:
        api = {"servers": ["10.0.9.9:8", "10.0.9.9:9"]}
        at.lb.apply(load_mapping({**LB, "pools": {"api": api}}))
        server = at.lb.get_server("10.0.9.9:8")
        assert server is not None
        with server.lease():
            assert not await at.lb.pool("api").drain("10.0.9.9:8", deadline_seconds=2.0)
        assert trio.current_time() == 2.0


async def test_settings_change_for_what_comes_and_are_told(world: World) -> None:
    async with open_lb(world) as at:
        config = at.lb.update_config(algorithm="least-connections", max_retries=5)
        assert config.pools["default"].algorithm == "least_connections"
        assert at.lb.config.pools["default"].retry.max_retries == 5
        assert len(at.told(ConfigUpdated)) == 1
        at.lb.update_config(limits={"max_connections": 7}, timeouts={"total": 3})
        assert (at.lb.context.limits.max_connections, at.lb.context.timeouts.total) == (7, 3.0)


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        ({"circuit_breaker": True}, ["circuit_breaker.enabled: False -> True"]),
        (
            {"circuit_breaker_threshold": 3, "circuit_breaker_timeout": 20},
            [
                "circuit_breaker.failure_threshold: 5 -> 3",
                "circuit_breaker.threshold: 0.5 -> off",
                "circuit_breaker.timeout: 30.0 -> 20.0",
            ],
        ),
        ({"circuit_breaker": {"recovery_timeout": 9}}, ["circuit_breaker.timeout: 30.0 -> 9.0"]),
        ({"circuit_breaker": {"half_open_timeout": 9}}, ["circuit_breaker.timeout: 30.0 -> 9.0"]),
        ({"circuit_breaker": {"monitoring_period": 9}}, ["circuit_breaker.interval: 60.0 -> 9.0"]),
        ({"retry_delay": 0.5}, ["retry.base_delay: 0.025 -> 0.5"]),
        ({"max_retries": 0}, ["retry.max_retries: 2 -> 0"]),
        ({"retry": {"budget": False}}, ["retry.budget.enabled: True -> False"]),
        ({"algorithm": "leastConnections"}, ["algorithm: round_robin -> least_connections"]),
        (
            {"health_check_interval": 7, "health_check_timeout": 1},
            [
                "health_check.enabled: False -> True",
                "health_check.interval: 5.0 -> 7.0",
                "health_check.timeout: 2.0 -> 1.0",
            ],
        ),
    ],
)
async def test_flat_and_older_names_mean_the_same_settings(
    world: World, given: dict[str, object], changes: list[str]
) -> None:
    async with open_lb(world) as at:
        at.lb.update_config(**given)
        (told,) = at.told(ConfigUpdated)
        switched_on = "pools.default.circuit_breaker.enabled: False -> True"
        assert sorted(set(told.changes) - {switched_on}) == sorted(
            {f"pools.default.{each}" for each in changes} - {switched_on}
        )


async def test_the_same_settings_again_are_no_news(world: World) -> None:
    async with open_lb(world) as at:
        before = at.lb.config
        assert at.lb.update_config(max_retries=2, timeouts={"connect": 3}) == before
        assert at.news == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"algorithm": "nonsense"}, "algorithm"),
        ({"max_retries": -1}, "max_retries"),
        ({"listeners": []}, "listeners"),
    ],
)
async def test_a_change_that_is_refused_changes_nothing_and_is_told(
    world: World, given: dict[str, object], message: str
) -> None:
    async with open_lb(world) as at:
        before = at.lb.config
        with pytest.raises(ConfigError, match=message):
            at.lb.update_config(**given)
        assert at.lb.config == before
        assert [type(each) for each in at.news] == [ConfigRejected]


async def test_listeners_do_not_move_while_they_serve(world: World) -> None:
    async with open_lb(world) as at:
        plan = load_mapping({**LB, "listeners": [{"port": 81}]})
        with pytest.raises(ConfigError, match="listeners do not change"):
            at.lb.apply(plan)
        with pytest.raises(ConfigError, match="2 of them, where 0 serve"):
            at.lb.apply(load_mapping({**LB, "listeners": [{"port": 80}, {"port": 81}]}))
        assert len(at.told(ConfigRejected)) == 2
