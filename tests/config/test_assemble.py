"""The shape of a file, its aliases, and what pools inherit."""

import pytest

from tests.config.support import AROUND, loaded, told
from trio_lb.config.assemble import FLAT, is_inner
from trio_lb.config.knobs import knobs_of
from trio_lb.config.load import load_mapping
from trio_lb.config.schema import (
    BudgetConfig,
    Config,
    HealthCheckConfig,
    ListenerConfig,
    OutlierConfig,
    PoolConfig,
    RetryConfig,
    ServerConfig,
)
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError

WHOLE = """\
load_balancer:
  name: api-lb
  listeners:
    - {protocol: http, bind: "0.0.0.0:8000"}
    - {port: 81, pool: db}
  algorithm: least-connections
  servers:
    - {name: api-1, address: 10.0.0.1:8080, weight: 100}
    - 10.0.0.2:8080
  health_check: {path: /health, interval: 10s}
  retry: {max_retries: 3, budget: {window: 5s}}
  pools:
    db:
      algorithm: random
      servers: [db.internal:5432]
      health_check: {type: tcp}
      retry: {budget: false}
  timeouts: {connect: 1s}
  trusted_proxies: [10.0.0.0/8]
  drain_timeout: 0
logging: {level: debug}
"""


def test_a_whole_file_becomes_a_config() -> None:
    config = loaded(WHOLE)
    assert config.listeners == (
        ListenerConfig(bind=Address("0.0.0.0", 8000)),
        ListenerConfig(bind=Address("0.0.0.0", 81), pool="db"),
    )
    assert config.pools["default"] == PoolConfig(
        algorithm="least_connections",
        servers=(
            ServerConfig(id="api-1", address=Address("10.0.0.1", 8080), weight=100),
            ServerConfig(id="10.0.0.2:8080", address=Address("10.0.0.2", 8080)),
        ),
        health_check=HealthCheckConfig(path="/health", interval=10.0),
        retry=RetryConfig(max_retries=3, budget=BudgetConfig(window=5.0)),
    )
    assert (config.name, config.logging.level, config.timeouts.connect) == ("api-lb", "debug", 1.0)
    assert (config.trusted_proxies, config.drain_timeout) == (("10.0.0.0/8",), 0.0)


def test_a_pool_inherits_key_by_key_but_no_servers() -> None:
    pool = loaded(WHOLE).pools["db"]
    assert pool == PoolConfig(
        name="db",
        algorithm="random",
        servers=(ServerConfig(id="db.internal:5432", address=Address("db.internal", 5432)),),
        health_check=HealthCheckConfig(type="tcp", path="/health", interval=10.0),
        retry=RetryConfig(max_retries=3, budget=BudgetConfig(window=5.0, enabled=False)),
    )


def test_the_inner_mapping_alone_means_the_same() -> None:
    inner = {"servers": ["h:1"], "listeners": [{"port": 80}], "logging": {"level": "error"}}
    outer = {**inner}
    logging = outer.pop("logging")
    assert load_mapping(inner) == load_mapping({"load_balancer": outer, "logging": logging})


@pytest.mark.parametrize(
    ("keys", "inner"),
    [
        (["servers"], True),
        (["name", "max_retries"], True),
        (["targets"], True),
        (["hash_balance_factor"], True),
        (["load_balancer"], False),
        (["load_balancer", "servers"], False),
        (["load_balancre", "servers"], False),
        (["rules"], False),
        (["logging"], False),
        ([], False),
    ],
)
def test_the_shape_is_told_by_the_keys(keys: list[str], inner: bool) -> None:
    assert is_inner(dict.fromkeys(keys)) is inner


@pytest.mark.parametrize("key", ["servers", "backends", "targets"])
def test_servers_have_their_older_names(key: str) -> None:
    config = loaded(f"{AROUND}{key}: [h:1]\npools: {{api: {{{key}: [h:2]}}}}\n")
    assert [pool.servers[0].address.port for pool in config.pools.values()] == [1, 2]


def test_flat_names_are_the_same_fields_in_seconds() -> None:
    flat = {
        "health_check_interval": 30,
        "health_check_timeout": 5,
        "max_retries": 3,
        "retry_delay": 1,
    }
    pool = load_mapping({**flat, "servers": ["h:1"]}).pools["default"]
    assert pool.health_check == HealthCheckConfig(interval=30.0, timeout=5.0)
    assert pool.retry == RetryConfig(max_retries=3, base_delay=1.0)


@pytest.mark.parametrize(
    ("section", "share"),
    [
        (None, None),
        (True, None),
        ({"success_threshold": 3}, None),
        ({"threshold": 0.2}, 0.2),
        ({"min_requests": 9}, 0.5),
    ],
)
def test_a_flat_breaker_counts_failures_in_a_row(section: object, share: float | None) -> None:
    flat = {"circuit_breaker_threshold": 4, "circuit_breaker_timeout": 60}
    mapping = {**flat, "servers": ["h:1"], "circuit_breaker": section}
    breaker = load_mapping(mapping).pools["default"].circuit_breaker
    assert (breaker.enabled, breaker.timeout) == (True, 60.0)
    assert (breaker.failure_threshold, breaker.threshold) == (4, share)


def test_a_flat_name_does_not_undo_a_decision() -> None:
    pool = load_mapping({"health_check": False, "health_check_interval": 3}).pools["default"]
    assert (pool.health_check.enabled, pool.health_check.interval) == (False, 3.0)


def test_a_flat_name_and_its_field_are_a_contradiction() -> None:
    text = f"{AROUND}servers: [h:1]\nmax_retries: 3\nretry:\n  max_retries: 2\n"
    assert told(text) == ["4 max_retries: given twice: 'retry.max_retries' means the same"]


def test_every_flat_name_leads_to_a_field() -> None:
    for section, name in FLAT.values():
        assert name in knobs_of(type(getattr(PoolConfig(), section)))


@pytest.mark.parametrize("off", [False, {"enabled": False}])
def test_every_feature_can_be_switched_off(off: object) -> None:
    sections: dict[str, object] = dict.fromkeys(
        ["health_check", "outlier_detection", "circuit_breaker", "rate_limit", "sticky_sessions"],
        off,
    )
    pool = load_mapping({"servers": ["h:1"], **sections}).pools["default"]
    assert not pool.health_check.enabled
    assert pool.outlier_detection == OutlierConfig(enabled=False)


def test_without_a_load_balancer_there_is_a_default_pool_and_nothing_else() -> None:
    assert load_mapping({}) == Config(pools={"default": PoolConfig()})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "load_balancr: {servers: [h:1]}",
            "1 load_balancr: unknown key; did you mean 'load_balancer'?",
        ),
        (
            "load_balancer: {listenrs: []}",
            "1 load_balancer.listenrs: unknown key; did you mean 'list",
        ),
        ("load_balancer: [1]", "1 load_balancer: a list is not a mapping"),
        ("5", "5 is not a mapping: a configuration has load_balancer, or its keys, at the top"),
        ("[1]", "a list is not a mapping: a configuration has load_balancer, or its"),
        (
            "load_balancer: {logging: {}}\nlogging: {}",
            "2 logging: given twice: also inside load_balancer",
        ),
        (
            "servers: [h:1]\npools: {default: {servers: [h:2]}}",
            "2 pools.default: the default pool has its servers in load_balancer.servers already",
        ),
        ("pools: {a b: {}}", "1 pools['a b']: 'a b' is not a name (letters, digits, _ . : -)"),
        ("pools: {a: 5}", "1 pools.a: 5 is not a mapping"),
        ("pools: []", "1 pools: a list is not a mapping"),
        ("pools: {a: {name: b}}", "1 pools.a.name: unknown key"),
        ("servers: {a: 1}", "1 servers: a mapping is not a list of servers"),
        (
            "algorithm: rond-robin",
            "1 algorithm: 'rond-robin' is no algorithm; did you mean 'round_",
        ),
        ("algorithm: geo", "1 algorithm: algorithm 'geo' is not supported in this version"),
        ("discovery: {dns: {name: a}}", "1 discovery: not supported in this version"),
        ("trusted_proxies: [foo]", "1 trusted_proxies[0]: 'foo' is not a network"),
        ("health_check: {headers: {A: 'x\n\n  y'}}", "1 health_check.headers.A: the value is not"),
        ("max_retries: -1", "1 max_retries: -1 is not in 0..100"),
    ],
)
def test_what_is_wrong_is_told_where_it_was_written(text: str, message: str) -> None:
    assert [each for each in told(text) if each.startswith(message)]


def test_the_default_pool_may_stand_among_the_others() -> None:
    config = load_mapping({"pools": {"default": {"servers": ["h:1"]}, "api": None}})
    assert [(name, len(pool.servers)) for name, pool in config.pools.items()] == [
        ("default", 1),
        ("api", 0),
    ]


def test_an_unknown_algorithm_is_an_error_and_no_silent_round_robin() -> None:
    with pytest.raises(ConfigError, match="is no algorithm"):
        load_mapping({"algorithm": "fastest"})
