"""What a plan says of machines fits those that a simulated world has."""

from collections.abc import Mapping

import pytest

from trio_lb.config.load import load_mapping
from trio_lb.config.schema import Config
from trio_lb.sim.adopt_fit import fitted


def plan(config: Mapping[str, object]) -> Config:
    return load_mapping({"listeners": [{"port": 80}], **config})


def made(config: Mapping[str, object]) -> Config:
    """Return the plan for a world in which ``lb`` and ``web`` are something else."""
    return fitted(plan(config), lambda name: name in ("lb", "web"))


def addresses(config: Mapping[str, object]) -> list[str]:
    pools = made(config).pools
    return [str(server.address) for pool in pools.values() for server in pool.servers]


def test_servers_of_one_machine_get_a_host_each() -> None:
    assert addresses({"servers": ["10.0.0.9:8001", "10.0.0.9:8002", "10.0.0.8:8001"]}) == [
        "10.0.0.9-8001:8001",
        "10.0.0.9-8002:8002",
        "10.0.0.8:8001",
    ]
    pools = {"api": {"servers": ["app.internal:9000"]}}
    assert addresses({"servers": ["app.internal:80"], "pools": pools}) == [
        "app.internal-80:80",
        "app.internal-9000:9000",
    ]


@pytest.mark.parametrize(
    ("here", "elsewhere"),
    [
        ("127.0.0.1:8001", "127.0.0.1-8001:8001"),
        ("localhost:8001", "localhost-8001:8001"),
        ("[::1]:8001", "1-8001:8001"),
    ],
)
def test_the_balancer_s_own_machine_is_another_one(here: str, elsewhere: str) -> None:
    assert addresses({"servers": [here]}) == [elsewhere]


def test_one_server_in_two_pools_stays_where_it_is() -> None:
    config = {"servers": ["10.0.0.1:80"], "pools": {"two": {"servers": ["10.0.0.1:80"]}}}
    assert addresses(config) == ["10.0.0.1:80", "10.0.0.1:80"]


def test_ids_and_all_else_of_a_server_are_kept() -> None:
    (server,) = (
        made({"servers": [{"address": "127.0.0.1:81", "weight": 3}]}).pools["default"].servers
    )
    assert (server.id, server.weight) == ("127.0.0.1:81", 3)


def test_a_probe_asks_at_the_server_s_own_port_and_expects_what_is_answered_there() -> None:
    check = {
        "port": 9000,
        "path": "/ready",
        "interval": "3s",
        "expected_status": 204,
        "expected_body": "yes",
        "probes": [{"type": "websocket", "path": "/ws"}, {"type": "tcp", "port": 9001}],
    }
    servers = [{"address": "a:80", "health_check": {"port": 1}}]
    pool = made({"servers": servers, "health_check": check}).pools["default"]
    assert (pool.health_check.path, pool.health_check.interval) == ("/ready", 3.0)
    (server,) = pool.servers
    assert server.health_check is not None
    for each in (pool.health_check, server.health_check, *pool.health_check.probes):
        assert (each.port, each.expected_status, each.expected_body) == (None, None, None)
    assert [(each.type, each.path) for each in pool.health_check.probes] == [
        ("http", "/ws"),
        ("tcp", "/ready"),
    ]


def test_an_expectation_that_a_good_answer_meets_stays() -> None:
    check = {"expected_status": "200-299"}
    pool = made({"servers": ["a:80"], "health_check": check}).pools["default"]
    assert pool.health_check.expected_status == tuple(range(200, 300))


def test_no_box_stands_before_or_behind_that_speaks_the_proxy_protocol() -> None:
    config = {
        "listeners": [{"port": 80, "proxy_protocol": "v2"}],
        "servers": ["a:80"],
        "proxy_protocol": "v1",
    }
    fit = made(config)
    assert fit.listeners[0].proxy_protocol == fit.pools["default"].proxy_protocol == "off"


@pytest.mark.parametrize(
    ("said", "called"),
    [
        ("web", "default.web"),
        ("web-1", "web-1"),
        ("[fd00::1]:80", "fd00::1]:80"),
        ("lb", "default.lb"),
    ],
)
def test_a_name_that_is_taken_or_can_not_be_aimed_at_is_another_one(said: str, called: str) -> None:
    servers = [{"id": said, "address": "a:80"}]
    assert [each.id for each in made({"servers": servers}).pools["default"].servers] == [called]
