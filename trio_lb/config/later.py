"""What this version can't do, under the names that people give it: refused, each by its name.

They are those of the documentation, and those that one would try who knows nginx, HAProxy,
Envoy, Caddy or Traefik: `metrics` and `prometheus`, `routes` and `routing`.

A key that switches such a feature *off* asks for nothing and is let through, so
that a file may say ``sticky_sessions: false`` before and after the feature exists.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from trio_lb.config.knobs import knobs_of
from trio_lb.config.nodes import Node
from trio_lb.config.schema import Config, ListenerConfig, PoolConfig, ServerConfig

# What a whole program or all of its traffic would have, in the file or in `load_balancer`.
_OF_ALL: Final = frozenset(
    {
        "admin",
        "admin_api",
        "api",
        "dashboard",
        "dns",
        "h2",
        "http2",
        "http3",
        "metrics",
        "processes",
        "prometheus",
        "resolver",
        "resolvers",
        "tracing",
        "workers",
        "worker_processes",
    }
)

# Beside `load_balancer` in the file.
FILE: Final = _OF_ALL | {"load_balancers", "rules"}

_OF_ROUTES: Final = frozenset({"route", "routes", "routing", "rules"})

_OF_A_BALANCER: Final = (
    _OF_ALL
    | _OF_ROUTES
    | {
        "affinity",
        "autoscaler",
        "cache",
        "cookie",
        "discovery",
        "geo",
        "hedge",
        "load_shedding",
        "mirror",
        "queue",
        "queueing",
        "queues",
        "rate_limit",
        "rate_limiting",
        "rate_limits",
        "service_discovery",
        "session_affinity",
        "session_timeout",
        "shared_state",
        "split",
        "stick_table",
        "stickiness",
        "sticky",
        "sticky_session",
        "sticky_sessions",
    }
)

LATER: Final[Mapping[type[attrs.AttrsInstance], frozenset[str]]] = {
    Config: _OF_A_BALANCER,
    PoolConfig: _OF_A_BALANCER | {"access"},
    ListenerConfig: _OF_ROUTES
    | {"access", "alpn", "geo", "h2", "http2", "http3", "rate_limit", "rate_limits"},
    ServerConfig: frozenset(
        {"circuit_breaker", "dns", "h2", "http2", "queue", "rate_limit", "resolver", "resolvers"}
    ),
}

# A server's "off" against its pool's "on" is a wish that would have to be obeyed.
_NEVER_HARMLESS: Final = frozenset({"circuit_breaker"})


def later_keys(cls: type[attrs.AttrsInstance]) -> frozenset[str]:
    """Return the keys of a section that are known and not built."""
    return LATER.get(cls, frozenset())


def refuse_later(node: Node, keys: frozenset[str]) -> None:
    """Say of each such key that it is not supported, unless it asks for nothing."""
    for key, child in node.mapping().items():
        if key in keys and not _asks_for_nothing(key, child.value):
            child.not_yet()


def _asks_for_nothing(key: str, value: object) -> bool:
    if value is None or value == {} or value == []:
        return True
    if key in _NEVER_HARMLESS:
        return False
    if isinstance(value, Mapping):
        return value.get("enabled") is False
    return value is False


def known_elsewhere() -> dict[str, str]:
    """Return the keys of ``load_balancer`` for a file that has them one level too high."""
    inside = {*knobs_of(Config), *knobs_of(PoolConfig), *_OF_A_BALANCER} - FILE
    return dict.fromkeys(sorted(inside), "it belongs inside load_balancer")
