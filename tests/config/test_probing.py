"""Active checks: the documented schedule, and several questions in place of one."""

import pytest

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
