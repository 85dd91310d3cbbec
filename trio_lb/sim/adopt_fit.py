"""What a plan says of machines that a simulated world has not, said of those that it has.

    127.0.0.1:8001, 127.0.0.1:8002      one machine, two servers   -->  a host of its own for each
    health_check: {port: 9000}          a second door              -->  the only one there is
    expected_body: ready                what your servers answer   -->  what these answer
    proxy_protocol                      boxes before and behind    -->  none are there
    type: websocket                     a handshake, then a ping   -->  a plain question
    name: web                           a server                   -->  default.web, if clients are called so

None of it is what a scenario is about: that is when probes are made and what follows of their
answers, and who is asked. So the file runs as it is, instead of being refused for it.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

import attrs

from trio_lb.config.probing import HealthCheckConfig, ProbeConfig
from trio_lb.config.schema import Config, PoolConfig, ServerConfig
from trio_lb.model.address import Address

_ODD: Final = re.compile(r"[^A-Za-z0-9.-]+")
_GOOD_STATUS: Final = 200
"""What a simulated server answers to a probe while it is well."""

_Probe = TypeVar("_Probe", bound=ProbeConfig)


Taken: TypeAlias = Callable[[str], bool]
"""Whether something else in a world has a name."""


def fitted(plan: Config, is_taken: Taken) -> Config:
    """Return the plan for hosts that have one server each, answer probes there, and have names."""
    crowded = _crowded(plan)
    return attrs.evolve(
        plan,
        listeners=tuple(attrs.evolve(each, proxy_protocol="off") for each in plan.listeners),
        pools={name: _pool(pool, crowded, is_taken) for name, pool in plan.pools.items()},
    )


def _crowded(plan: Config) -> Mapping[str, None]:
    """The hosts that can't be one each: several ports of one, and the balancer's own."""
    ports: dict[str, dict[int, None]] = {}
    for pool in plan.pools.values():
        for server in pool.servers:
            ports.setdefault(server.address.host, {})[server.address.port] = None
    return {host: None for host, of_host in ports.items() if len(of_host) > 1 or _is_loopback(host)}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pool(pool: PoolConfig, crowded: Mapping[str, None], is_taken: Taken) -> PoolConfig:
    return attrs.evolve(
        pool,
        health_check=_checked(pool.health_check),
        servers=tuple(_named(_server(each, crowded), pool, is_taken) for each in pool.servers),
        proxy_protocol="off",
    )


def _named(server: ServerConfig, pool: PoolConfig, is_taken: Taken) -> ServerConfig:
    """A name that a fault can aim at begins with a letter or a digit: no bracket, as of IPv6."""
    name = server.id.lstrip("[:-.") or server.id
    return attrs.evolve(server, id=f"{pool.name}.{name}" if is_taken(name) else name)


def _server(server: ServerConfig, crowded: Mapping[str, None]) -> ServerConfig:
    address, check = server.address, server.health_check
    if address.host in crowded:
        # A name, which the network is told: another literal might be somebody's.
        host = _ODD.sub("-", f"{address.host}-{address.port}").lstrip("-.")
        address = Address(host, address.port)
    return attrs.evolve(
        server, address=address, health_check=None if check is None else _checked(check)
    )


def _checked(check: HealthCheckConfig) -> HealthCheckConfig:
    return attrs.evolve(_asked(check), probes=tuple(map(_asked, check.probes)))


def _asked(probe: _Probe) -> _Probe:
    """A question that a simulated server can answer well, as long as it is well."""
    statuses = probe.expected_status
    return attrs.evolve(
        probe,
        type="http" if probe.type == "websocket" else probe.type,
        port=None,
        expected_body=None,
        expected_status=statuses if statuses is None or _GOOD_STATUS in statuses else None,
    )
