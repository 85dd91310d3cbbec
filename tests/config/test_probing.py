"""Active checks: the documented schedule, and several questions in place of one."""

import pytest

from tests.config.support import told
from trio_lb.config.load import load_mapping
from trio_lb.config.probing import HealthCheckConfig, ProbeConfig
from trio_lb.model.errors import ConfigError


def checked(health_check: object) -> HealthCheckConfig:
    pools = load_mapping({"servers": ["h:1"], "health_check": health_check}).pools
    return pools["default"].health_check


def test_the_schedule_is_the_documented_one() -> None:
    check = HealthCheckConfig()
    assert (check.interval, check.timeout, check.fast_interval) == (5.0, 2.0, 1.0)
    assert (check.healthy_threshold, check.unhealthy_threshold) == (2, 3)
    assert (check.type, check.method, check.path, check.port) == ("http", "GET", "/", None)


@pytest.mark.parametrize(
    ("written", "schedule"),
    [
        ({"interval": 2}, (2.0, 2.0, 1.0)),
        ({"interval": 1.5}, (1.5, 1.5, 1.0)),
        ({"interval": 0.5}, (0.5, 0.5, 0.5)),
        ({"interval": 1, "timeout": 3}, (1.0, 3.0, 1.0)),
        ({"interval": 0.5, "fast_interval": 2}, (0.5, 0.5, 2.0)),
        ({"timeout": 3}, (5.0, 3.0, 1.0)),
    ],
)
def test_a_timeout_that_is_not_written_is_within_the_interval_that_is(
    written: dict[str, float], schedule: tuple[float, float, float]
) -> None:
    check = checked(written)
    assert (check.interval, check.timeout, check.fast_interval) == schedule
    if "fast_interval" not in written:
        flat = {f"health_check_{key}": value for key, value in written.items()}
        made = load_mapping({"servers": ["h:1"], **flat}).pools["default"].health_check
        assert (made.interval, made.timeout, made.fast_interval) == schedule


def test_a_section_without_probes_asks_one_question_itself() -> None:
    check = HealthCheckConfig(path="/up")
    assert check.questions == (check,)


def test_each_of_several_probes_starts_from_what_the_section_says() -> None:
    check = checked(
        {"path": "/h", "method": "HEAD", "probes": [{"type": "tcp", "port": 9}, {"path": "/x"}]}
    )
    assert check.questions == (
        ProbeConfig(type="tcp", path="/h", method="HEAD", port=9),
        ProbeConfig(path="/x", method="HEAD"),
    )


def test_a_probe_s_port_is_a_port() -> None:
    with pytest.raises(ConfigError, match=r"ProbeConfig.port: 70000 is not in 1\.\.65535"):
        ProbeConfig(port=70000)


SERVED = {"servers": ["h:1"]}
ONLY_TCP = {**SERVED, "listeners": [{"port": 1, "protocol": "tcp"}]}


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (True, "tcp"),
        ({}, "tcp"),
        ({"interval": 1, "timeout": 0.5}, "tcp"),
        ({"port": 9}, "tcp"),
        ({"type": "http"}, "http"),
        ({"path": "/up"}, "http"),
        ({"expected_status": 204}, "http"),
        ({"type": "websocket"}, "websocket"),
    ],
)
def test_a_pool_of_tcp_alone_is_only_connected_to_unless_more_is_asked(
    written: object, kind: str
) -> None:
    pools = load_mapping({**ONLY_TCP, "health_check": written}).pools
    assert pools["default"].health_check.type == kind


def test_a_pool_that_http_leads_to_as_well_is_asked_over_http() -> None:
    listeners = [{"port": 1, "protocol": "tcp"}, {"port": 2}]
    pools = load_mapping({**SERVED, "listeners": listeners, "health_check": True}).pools
    assert pools["default"].health_check.type == "http"


def test_a_listener_that_sends_clients_on_says_nothing_of_servers() -> None:
    listeners = [{"port": 1, "protocol": "tcp"}, {"port": 2, "https_redirect": 443}]
    pools = load_mapping({**SERVED, "listeners": listeners, "health_check": True}).pools
    assert pools["default"].health_check.type == "tcp"


def kinds_of_pools(check: object) -> dict[str, str]:
    """Of a default pool for HTTP, and one that only TCP leads to."""
    listeners = [{"port": 2}, {"port": 1, "protocol": "tcp", "pool": "db"}]
    pools = load_mapping(
        {**SERVED, "listeners": listeners, "health_check": check, "pools": {"db": {**SERVED}}}
    ).pools
    return {name: pool.health_check.type for name, pool in pools.items()}


def test_each_pool_has_the_probe_that_fits_it_unless_a_type_is_inherited() -> None:
    assert kinds_of_pools(True) == {"default": "http", "db": "tcp"}
    assert kinds_of_pools({"path": "/up"}) == {"default": "http", "db": "tcp"}
    assert kinds_of_pools({"type": "http"}) == {"default": "http", "db": "http"}
    assert kinds_of_pools({"check": None}) == {"default": "http", "db": "tcp"}
    assert kinds_of_pools({"check": max}) == {"default": "custom", "db": "custom"}


def test_several_probes_may_be_of_several_types() -> None:
    check = checked({"probes": [{"type": "tcp", "port": 9}, {"type": "http", "path": "/h"}]})
    assert check.questions == (ProbeConfig(type="tcp", port=9), ProbeConfig(path="/h"))
    config = load_mapping({**ONLY_TCP, "health_check": {"probes": [{"port": 9}, {"path": "/h"}]}})
    assert [each.type for each in config.pools["default"].health_check.questions] == ["tcp", "http"]


def test_a_server_s_own_probe_starts_from_its_pool_s_and_takes_the_place_of_several() -> None:
    servers = [
        {"address": "h:1", "health_check": {"fall": 1}},
        {"address": "h:2", "health_check": {"path": "/own"}},
        {"address": "h:3", "health_check": False},
        "h:4",
    ]
    check = {"interval": 7, "probes": [{"type": "tcp"}, {"path": "/h"}]}
    pool = load_mapping({"servers": servers, "health_check": check}).pools["default"]
    shared = pool.health_check.probes
    assert [each.health_check for each in pool.servers] == [
        HealthCheckConfig(interval=7.0, unhealthy_threshold=1, probes=shared),
        HealthCheckConfig(interval=7.0, path="/own"),
        HealthCheckConfig(interval=7.0, enabled=False, probes=shared),
        None,
    ]


def test_a_server_may_be_asked_by_http_where_a_program_asks_the_others() -> None:
    servers = ["h:1", {"address": "h:2", "health_check": {"path": "/up"}}]
    pool = load_mapping({"servers": servers, "health_check": {"check": max}}).pools["default"]
    own = pool.servers[1].health_check
    assert own == HealthCheckConfig(path="/up")


def test_what_only_http_asks_is_a_warning_where_a_probe_only_connects() -> None:
    text = "listeners: [port: 80]\nservers: [h:1]\nhealth_check: {type: tcp, path: /x}\n"
    assert told(text) == [
        "3 warning: health_check.path: says nothing to a tcp probe, which only connects"
    ]
