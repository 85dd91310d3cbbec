"""The end of each wait and the bound of each buffer: the defaults, exactly."""

import attrs
import pytest

from tests.config.support import AROUND, loaded
from trio_lb.config.bounds import LimitsConfig, TimeoutsConfig
from trio_lb.model.errors import ConfigError


def test_the_timeouts_are_the_documented_ones() -> None:
    assert attrs.asdict(TimeoutsConfig()) == {
        "client_head": 10.0,
        "client_body_idle": 60.0,
        "client_keep_alive": 75.0,
        "tls_handshake": 10.0,
        "connect": 3.0,
        "first_byte": 30.0,
        "idle": 60.0,
        "total": 60.0,
        "response": None,
        "write_stall": 30.0,
        "upstream_keep_alive": 4.0,
        "tunnel_idle": 3600.0,
        "half_close_grace": 1.0,
    }


def test_the_limits_are_the_documented_ones() -> None:
    assert attrs.asdict(LimitsConfig()) == {
        "max_connections": 1000,
        "per_client": None,
        "head_size": 32768,
        "target_size": 16384,
        "header_count": 100,
        "body_size": None,
        "replay_body_size": 65536,
        "requests_per_connection": 1000,
        "connection_age": 3600.0,
        "upstream_idle": 32,
        "buffer_size": 32768,
    }


@pytest.mark.parametrize("never", ["client_keep_alive", "upstream_keep_alive", "half_close_grace"])
def test_only_a_wait_that_can_be_left_out_may_be_zero(never: str) -> None:
    assert getattr(TimeoutsConfig(**{never: 0.0}), never) == 0.0
    with pytest.raises(ConfigError, match=r"connect: 0\.0 is not > 0"):
        TimeoutsConfig(connect=0.0)


def test_a_pool_s_own_timeouts_start_from_the_balancer_s() -> None:
    config = loaded(
        AROUND + "servers: [h:1]\ntimeouts: {connect: 1s, idle: 9s}\n"
        "pools: {api: {servers: [h:2], timeouts: {idle: 8s}}, db: {servers: [h:3]}}\n"
    )
    assert config.timeouts == TimeoutsConfig(connect=1.0, idle=9.0)
    assert config.pools["api"].timeouts == TimeoutsConfig(connect=1.0, idle=8.0)
    assert (config.pools["default"].timeouts, config.pools["db"].timeouts) == (None, None)


@pytest.mark.parametrize(
    ("total", "response", "until_head"), [(60.0, None, 60.0), (60.0, 20.0, 20.0), (5.0, 20.0, 5.0)]
)
def test_an_answer_has_to_begin_within_its_own_time_too(
    total: float, response: float | None, until_head: float
) -> None:
    assert TimeoutsConfig(total=total, response=response).until_head == until_head
