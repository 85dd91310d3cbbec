"""The defaults, exactly; and what a program may not build."""

import subprocess
import sys
from typing import Any

import attrs
import pytest

from trio_lb.config import schema
from trio_lb.config.knobs import knobs_of
from trio_lb.config.load import load_mapping
from trio_lb.config.schema import (
    Config,
    HealthCheckConfig,
    ListenerConfig,
    OutlierConfig,
    PoolConfig,
    ServerConfig,
    TimeoutsConfig,
)
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError

CLASSES = [each for each in vars(schema).values() if isinstance(each, type) and attrs.has(each)]
OURS = [each for each in CLASSES if each.__name__.endswith(("Config", "Tls"))]


def test_servers_take_turns_unless_an_algorithm_is_named() -> None:
    assert PoolConfig().algorithm == "round_robin"
    pools = load_mapping({"servers": ["h:1"], "pools": {"api": {"servers": ["h:2"]}}}).pools
    assert {name: pool.algorithm for name, pool in pools.items()} == {
        "default": "round_robin",
        "api": "round_robin",
    }


def test_what_is_on_when_nothing_is_said() -> None:
    pool = PoolConfig()
    assert (pool.health_check.enabled, pool.outlier_detection.enabled) == (False, True)
    assert pool.retry.budget.enabled
    assert (Config().forwarded_headers, Config().answer_headers) == (True, False)


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.__name__)
def test_every_field_that_can_be_written_says_what_it_is(cls: type[attrs.AttrsInstance]) -> None:
    names = set(attrs.fields_dict(cls)) - ({"name"} if cls is PoolConfig else set())
    assert set(knobs_of(cls)) == names
    assert [name for name, each in knobs_of(cls).items() if not each.says] == []


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: ListenerConfig(bind=Address("h", 70000)),
            "ListenerConfig.bind: .* the port 70000",
        ),
        (lambda: ListenerConfig(protocol="udp"), "'udp' is no protocol; allowed: http, https, tcp"),
        (lambda: ServerConfig(id="a", address=Address("h", 80), weight=0), "0 is not in 1..65535"),
        (lambda: ServerConfig(id="a b", address=Address("h", 80)), "ServerConfig.id: 'a b'"),
        (lambda: HealthCheckConfig(path="/a\r\nX: y"), "HealthCheckConfig.path"),
        (lambda: PoolConfig(algorithm="rond_robin"), "did you mean 'round_robin'"),
        (lambda: PoolConfig(servers=("h:80",)), "'h:80' is not a ServerConfig"),  # type: ignore[arg-type]  # the mistake under test
        (lambda: Config(pools={"a/b": PoolConfig()}), "Config.pools: 'a/b'"),
        (lambda: TimeoutsConfig(total=float("inf")), "inf is not <= 31536000"),
        (lambda: OutlierConfig(max_ejection_fraction=50), r"50 is not in \[0, 1\]"),
    ],
)
def test_a_config_built_by_hand_is_checked(build: object, message: str) -> None:
    assert callable(build)
    with pytest.raises(ConfigError, match=message):
        build()


def test_a_program_may_say_true_and_false_where_a_file_may() -> None:
    plain: dict[str, Any] = {"fail_open": False, "proxy_protocol": True}
    pool = PoolConfig(**plain)
    assert (pool.fail_open, pool.proxy_protocol) == ("false", "v1")
    assert attrs.evolve(pool, fail_open="auto").fail_open == "auto"
    plain = {"proxy_protocol": True, "https_redirect": 8443}
    assert ListenerConfig(**plain).proxy_protocol == "any"
    with pytest.raises(ConfigError, match=r"PoolConfig.fail_open: 1 is no fail_open"):
        PoolConfig(fail_open=1)  # type: ignore[arg-type]  # the mistake under test


def test_the_schema_loads_no_parser_and_no_trio() -> None:
    program = "import trio_lb.config.schema, sys; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert {"yaml", "cattrs", "tomllib", "trio"} & set(ran.stdout.split()) == set()
