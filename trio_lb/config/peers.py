"""What other load balancers call things: a word that is theirs leads to ours.

nginx, HAProxy, Envoy, Caddy and Traefik have names for the same few things. Who brings a
habit along, or half a file, is told what it is called here, in the section that it is in.
"""

from collections.abc import Collection, Mapping
from typing import Final

_SERVERS: Final = ("servers", "pools", "pool")
_LISTENERS: Final = ("listeners", "bind")
_ALGORITHM: Final = ("algorithm",)
_LIMITS: Final = ("max_connections", "limits")

_OURS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("backend", "default_backend", "upstream", "upstreams"), _SERVERS),
    **dict.fromkeys(("endpoints", "hosts", "instances", "members", "nodes"), ("servers",)),
    **dict.fromkeys(("cluster", "clusters", "groups"), ("pools", "pool")),
    **dict.fromkeys(("entrypoints", "frontend", "frontends", "listen", "port"), _LISTENERS),
    **dict.fromkeys(("balance", "lb_algorithm", "lb_policy", "load_balancing"), _ALGORITHM),
    **dict.fromkeys(("method", "policy", "strategy"), _ALGORITHM),
    **dict.fromkeys(("check", "checks", "health", "healthcheck"), ("health_check",)),
    **dict.fromkeys(("outlier", "passive_health", "passive_health_check"), ("outlier_detection",)),
    **dict.fromkeys(("cert", "certificate", "certificates", "crt"), ("ssl",)),
    **dict.fromkeys(("addr", "host", "hostname", "ip"), ("address",)),
    **dict.fromkeys(
        ("concurrency", "max_conn", "max_connections", "max_conns", "maxconn"), _LIMITS
    ),
    **dict.fromkeys(("real_ip", "set_real_ip_from", "trusted"), ("trusted_proxies",)),
    **dict.fromkeys(("down", "disable", "maintenance"), ("disabled",)),
}
"""Their words, and ours for it; of these the section may know one, some or none."""


def called_here(word: str, known: Collection[str]) -> str:
    """Return ``; here it is 'servers' or 'pools'``, or nothing: for a key that is not known."""
    ours = [f"'{each}'" for each in _OURS.get(word.lower(), ()) if each in known]
    return f"; here it is {' or '.join(ours)}" if ours else ""
