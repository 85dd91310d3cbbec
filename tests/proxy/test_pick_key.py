"""What algorithms are told of a request."""

import pytest

from tests.proxy.stage import context_of, exchange_of, head_of
from trio_lb.config.schema import PoolConfig
from trio_lb.proxy.pick_key import key_of, pick_context
from trio_lb.sim.env import SimEnv

HEAD = head_of("GET /a/b?c=d HTTP/1.1\nHost: a\nX-Tenant: blue")


@pytest.mark.parametrize(
    ("hash_key", "key"),
    [
        ("client_ip", None),
        ("path", "/a/b"),
        ("header:x-tenant", "blue"),
        ("header:X-TENANT", "blue"),
        ("header:X-Other", None),
    ],
)
def test_the_key_is_what_the_pool_looks_at(hash_key: str, key: str | None) -> None:
    assert key_of(HEAD, hash_key) == key


async def test_nothing_is_made_for_a_request_that_is_like_all_others(env: SimEnv) -> None:
    exchange = exchange_of(context_of(env), HEAD)
    assert pick_context(exchange, PoolConfig()) is exchange.client.pick_context


async def test_a_client_behind_a_trusted_proxy_is_its_own(env: SimEnv) -> None:
    exchange = exchange_of(context_of(env), HEAD)
    exchange.client_address = "192.0.2.7"
    picked = pick_context(exchange, PoolConfig(hash_key="path"))
    assert (picked.client, picked.key) == ("192.0.2.7", "/a/b")
