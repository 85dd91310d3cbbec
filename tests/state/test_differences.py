"""Differences of two plans: a line a knob, by path, without secrets."""

from typing import Any

import attrs

from tests.state.books import plan, server
from trio_lb.config.schema import Config, HealthCheckConfig, TimeoutsConfig
from trio_lb.state.differences import differences

OLD = Config(pools={"api": plan(2)})


def lines(new: Config) -> list[str]:
    return list(differences(OLD, new))


def with_pool(**knobs: Any) -> Config:
    return Config(pools={"api": attrs.evolve(plan(2), **knobs)})


def test_equal_plans_have_none() -> None:
    assert lines(Config(pools={"api": plan(2)})) == []


def test_a_knob_is_told_with_its_path_and_both_values() -> None:
    changed = attrs.evolve(OLD, timeouts=TimeoutsConfig(connect=1.5, response=9.0))
    assert lines(changed) == ["timeouts.connect: 3.0 -> 1.5", "timeouts.response: off -> 9.0"]


def test_servers_are_told_apart_by_id() -> None:
    new = with_pool(servers=(server(2, weight=3), server(3)))
    assert lines(new) == [
        "pools.api.servers.s1: removed",
        "pools.api.servers.s2.weight: 1 -> 3",
        "pools.api.servers.s3: added",
    ]


def test_the_first_server_and_the_last_one_are_told_too() -> None:
    assert list(differences(Config(pools={"api": plan(0)}), Config(pools={"api": plan(1)}))) == [
        "pools.api.servers.s1: added"
    ]
    assert lines(with_pool(servers=())) == [
        "pools.api.servers.s1: removed",
        "pools.api.servers.s2: removed",
    ]


def test_pools_come_and_go() -> None:
    assert lines(Config(pools={"web": plan(1)})) == ["pools.api: removed", "pools.web: added"]


def test_values_that_may_be_secret_are_not_told() -> None:
    new = with_pool(health_check=HealthCheckConfig(enabled=False, headers={"Token": "hush"}))
    assert lines(new) == ["pools.api.health_check.headers: changed"]


def test_another_order_of_servers_is_told() -> None:
    assert lines(with_pool(servers=(server(2), server(1)))) == ["pools.api.servers: reordered"]
