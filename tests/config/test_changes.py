"""Settings and servers as arguments: the spellings of a file, all problems at once."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.changes import changed, server_from
from trio_lb.config.load import load_mapping
from trio_lb.config.schema import (
    BreakerConfig,
    Config,
    HealthCheckConfig,
    PoolConfig,
    ServerConfig,
    UpstreamTls,
)
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError

RUNNING = load_mapping(
    {
        "servers": ["h:1", "h:2*3"],
        "algorithm": "weighted_random",
        "health_check": {"path": "/up", "interval": 7},
        "retry": {"max_retries": 1, "base_delay": "5ms"},
        "pools": {"api": {"servers": ["h:3"]}},
        "timeouts": {"connect": "1s"},
        "listeners": [{"port": 80}],
    }
)
BEFORE = RUNNING.pools["default"]


def refused(**arguments: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        changed(RUNNING, **arguments)
    return [str(each) for each in caught.value.problems]


def test_flat_names_change_the_default_pool_and_leave_the_rest() -> None:
    config = changed(
        RUNNING,
        algorithm="least-connections",
        max_retries=5,
        retry_delay=0.1,
        health_check_interval=30,
        health_check_timeout=5,
    )
    pool = config.pools["default"]
    assert pool == attrs.evolve(
        BEFORE,
        algorithm="least_connections",
        retry=attrs.evolve(BEFORE.retry, max_retries=5, base_delay=0.1),
        health_check=HealthCheckConfig(path="/up", interval=30.0, timeout=5.0),
    )
    assert attrs.evolve(config, pools=RUNNING.pools) == RUNNING
    assert config.pools["api"] is RUNNING.pools["api"]


def test_a_breaker_is_turned_on_by_flat_names_in_the_count_form() -> None:
    config = changed(
        RUNNING,
        circuit_breaker=True,
        circuit_breaker_threshold=3,
        circuit_breaker_timeout=60,
    )
    assert config.pools["default"].circuit_breaker == BreakerConfig(
        failure_threshold=3, threshold=None, timeout=60.0
    )


def test_a_section_is_changed_key_by_key() -> None:
    config = changed(RUNNING, health_check={"rise": 1}, timeouts={"idle": "9s"}, drain_timeout=1)
    assert config.pools["default"].health_check == attrs.evolve(
        BEFORE.health_check, healthy_threshold=1
    )
    assert config.timeouts == attrs.evolve(RUNNING.timeouts, idle=9.0)
    assert (config.drain_timeout, config.timeouts.connect) == (1.0, 1.0)


def test_a_section_is_turned_off_by_false() -> None:
    checks = changed(RUNNING, health_check=False).pools["default"].health_check
    assert checks == attrs.evolve(BEFORE.health_check, enabled=False)


def test_servers_are_changed_as_a_whole() -> None:
    pool = changed(RUNNING, servers=["h:2", "h:9"]).pools["default"]
    assert [each.id for each in pool.servers] == ["h:2", "h:9"]


def test_an_algorithm_may_be_code() -> None:
    assert changed(RUNNING, algorithm=max).pools["default"].algorithm is max


def test_every_problem_comes_at_once_and_nothing_is_changed() -> None:
    before = attrs.evolve(RUNNING)
    assert refused(
        max_retries=-1,
        algorithm="ip-hsah",
        sticky_session=True,
        circuit_braker=True,
        listeners=[],
        pools={},
    )[:2] == [
        "sticky_session: not supported in this version",
        "circuit_braker: unknown key; did you mean 'circuit_breaker'?",
    ]
    assert refused(max_retries=-1, drain_timeout="-1s", listeners=[{"port": 1}]) == [
        "listeners: is not changed alone: apply a whole configuration",
        "max_retries: -1 is not in 0..100",
        "drain_timeout: '-1s' is not >= 0 (seconds)",
    ]
    assert before == RUNNING


def test_nothing_given_changes_nothing() -> None:
    assert changed(RUNNING) == RUNNING
    assert changed(Config()).pools == {"default": PoolConfig()}


def test_a_server_is_given_by_host_and_port_as_in_requirement_000() -> None:
    server = server_from(
        id="server1",
        host="192.168.1.1",
        port=8080,
        weight=1,
        max_connections=100,
        metadata={"region": "us-east-1"},
    )
    assert server == ServerConfig(
        id="server1",
        address=Address("192.168.1.1", 8080),
        max_connections=100,
        metadata={"region": "us-east-1"},
    )


@pytest.mark.parametrize("where", ["url", "address"])
def test_a_server_is_given_by_a_url(where: str) -> None:
    given: dict[str, object] = {where: "https://10.0.0.1", "backup": True, "priority": 2}
    assert server_from(**given) == ServerConfig(
        id="10.0.0.1:443",
        address=Address("10.0.0.1", 443),
        backup=True,
        priority=2,
        tls=UpstreamTls(),
    )


def test_a_server_may_be_given_an_address_that_is_one() -> None:
    assert server_from(address=Address("::1", 80)).id == "[::1]:80"


def test_a_server_s_own_probe_starts_from_its_pool_s() -> None:
    server = server_from(BEFORE, address="h:4", disabled=True, zone="a", health_check={"fall": 1})
    assert server.health_check == HealthCheckConfig(path="/up", interval=7.0, unhealthy_threshold=1)
    assert (server.disabled, server.zone) == (True, "a")


async def answer(server: object, request: object) -> None:
    """Never called here."""


def test_an_application_is_a_server_without_an_address() -> None:
    server = server_from(id="inside", app=answer)
    assert (server.id, server.address, server.app) == ("inside", Address("app:inside", 0), answer)
    assert server.address.is_inside
    assert server_from(app=answer).id == "app:answer"


def test_every_problem_of_a_server_comes_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        server_from(id="a b", host="h", port="80", weight=0, max_conections=3)
    assert [str(each) for each in caught.value.problems] == [
        "max_conections: unknown key; did you mean 'max_connections'?",
        "port: '80' is not a port; write it without quotes",
        "id: 'a b' is not a name (visible ASCII, no space)",
        "weight: 0 is not in 1..65535",
    ]


def test_an_application_has_no_address_beside_its_name() -> None:
    with pytest.raises(ConfigError, match="host: given twice: an app has no other address"):
        server_from(id="inside", app=answer, host="h", port=80)


ANYTHING = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
KEYS = ["algorithm", "max_retries", "retry", "servers", "timeouts", "health_check", "slow_start"]


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING))
def test_any_arguments_are_a_config_or_a_config_error(arguments: dict[str, object]) -> None:
    try:
        config = changed(RUNNING, **arguments)
    except ConfigError as error:
        paths = {each.path.partition("[")[0].partition(".")[0] for each in error.problems}
        assert paths <= set(arguments)
    else:
        assert changed(config, **arguments) == config


SERVER_KEYS = ["id", "host", "port", "url", "weight", "tls", "health_check", "metadata", "app"]


@given(st.dictionaries(st.sampled_from(SERVER_KEYS), ANYTHING))
def test_any_arguments_are_a_server_or_a_config_error(arguments: dict[str, object]) -> None:
    try:
        server = server_from(BEFORE, **arguments)
    except ConfigError:
        return
    assert load_mapping({"servers": [{**arguments}]}).pools["default"].servers[0].id == server.id
