"""A configuration that a program built: what its fields can not see one by one."""

import attrs
import pytest

from trio_lb import open_load_balancer
from trio_lb.config.load import load_mapping
from trio_lb.config.schema import (
    Config,
    ListenerConfig,
    ListenerTls,
    PoolConfig,
    ServerConfig,
    UpstreamTls,
)
from trio_lb.config.verify import verified
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError

SERVER = ServerConfig(id="a", address=Address("h", 80))
SERVED = {"default": PoolConfig(servers=(SERVER,))}


def refused(config: Config) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        verified(config)
    return [str(each) for each in caught.value.problems]


def test_a_config_that_fits_together_comes_back_itself() -> None:
    tls = ListenerTls(certificate="/c.pem")
    config = Config(
        listeners=(
            ListenerConfig(bind=Address("h", 80), https_redirect=True),
            ListenerConfig(bind=Address("h", 443), protocol="https", ssl=tls),
        ),
        pools=SERVED,
    )
    assert verified(config) is config


def test_every_contradiction_comes_at_once_by_the_names_of_the_fields() -> None:
    keyed = UpstreamTls(private_key="/k.pem")
    config = Config(
        listeners=(
            ListenerConfig(bind=Address("h", 80), protocol="https"),
            ListenerConfig(bind=Address("h", 80), pool="nowhere"),
        ),
        pools={**SERVED, "api": PoolConfig(name="api", servers=(SERVER, SERVER), tls=keyed)},
    )
    assert refused(config) == [
        "listeners[0].ssl: https needs a certificate:"
        " write ssl: {certificate: FILE.pem, private_key: FILE.pem}",
        "pools.api.tls.private_key: no certificate beside it",
        "listeners[1]: h:80 is taken by listeners[0]",
        "listeners[1]: there is no pool 'nowhere'; known: default, api",
        "pools.api.servers[1]: has the same name as servers[0]: 'a'",
        "pools.api.servers[1]: has the same address as servers[0]: 'h:80'",
    ]


async def test_no_balancer_is_opened_with_a_contradiction() -> None:
    config = Config(listeners=(ListenerConfig(protocol="https"),), pools=SERVED)
    with pytest.raises(ConfigError, match=r"listeners\[0\].ssl: https needs a certificate"):
        async with open_load_balancer(config):
            pytest.fail("it was opened")


def test_a_warning_alone_forbids_nothing() -> None:
    pool = attrs.evolve(SERVED["default"], tls=UpstreamTls(verify=False, ca="/ca.pem"))
    config = Config(pools={"default": pool})
    assert verified(config) is config


def test_what_was_read_from_a_mapping_is_sound() -> None:
    config = load_mapping(
        {
            "listeners": [{"port": 1, "protocol": "tcp"}, {"port": 2, "https_redirect": 443}],
            "servers": ["https://h", {"address": "h:1", "tls": {"verify": False}}],
            "circuit_breaker": True,
            "health_check": {"probes": [{"port": 9}, {"path": "/x"}]},
        }
    )
    assert verified(config) is config
