"""A configuration as it runs in production, adopted by a simulated world.

Its listeners move onto the balancer's virtual host, each of its servers becomes an actor at the
same address. What would need something real (certificates, sockets of the file system, code of
its own) is refused, all of it at once, as a reader of configurations does.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from trio_lb.config.load import load_file, load_mapping
from trio_lb.config.schema import Config, ListenerConfig, ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.adopt_lines import located

_NAME: Final = re.compile(r"[^A-Za-z0-9_.-]")
_NEEDS_SERVERS: Final = ("servers", "pools", "backends", "targets")


@attrs.frozen(slots=True)
class Adopted:
    """A plan for a virtual host, and the servers that it speaks of.

    ``servers`` maps the simulation's names to where they listen; ``names`` maps (pool, id) to them.
    """

    plan: Config
    servers: Mapping[str, tuple[Address, ServerConfig]]
    names: dict[tuple[str, str], str]


def read(source: Config | Mapping[str, object] | str | Path) -> Config:
    """Return the configuration of a file, of data, or as it is.

    Raises:
      ConfigError: it is refused.
    """
    if isinstance(source, Config):
        return source
    if isinstance(source, (str, Path)):
        return load_file(source)
    return load_mapping(source)


def lacks_servers(source: object) -> bool:
    """Whether it leaves it to the simulation which servers there are."""
    if not isinstance(source, Mapping):
        return False
    inner = source.get("load_balancer", source)
    return isinstance(inner, Mapping) and not any(key in inner for key in _NEEDS_SERVERS)


def with_servers(source: Mapping[str, object], servers: list[object]) -> dict[str, object]:
    """Return a configuration that names none with these servers in the right place."""
    inner = source.get("load_balancer")
    if isinstance(inner, Mapping):
        return {**source, "load_balancer": {**inner, "servers": servers}}
    return {**source, "servers": servers}


def adopt(plan: Config, host: str, *, source: str = "") -> Adopted:
    """Return the plan for a balancer at the literal ``host``.

    Raises:
      ConfigError: with everything in it that a simulation can't stand in for.
    """
    problems = [*_real_listeners(plan), *_real_servers(plan)]
    if problems:
        raise ConfigError(located(problems, plan, source))
    wanted = plan.listeners or (ListenerConfig(bind=Address(host, 80)),)
    listeners = tuple(_moved(listener, host) for listener in wanted)
    servers: dict[str, tuple[Address, ServerConfig]] = {}
    names: dict[tuple[str, str], str] = {}
    for pool, config in _servers(plan):
        name = _name_for(pool, config, servers)
        servers.setdefault(name, (config.address, config))
        names[pool, config.id] = name
    return Adopted(attrs.evolve(plan, listeners=listeners), servers, names)


def _servers(plan: Config) -> Iterator[tuple[str, ServerConfig]]:
    for pool in plan.pools.values():
        for config in pool.servers:
            yield pool.name, config


def _name_for(
    pool: str, config: ServerConfig, taken: Mapping[str, tuple[Address, ServerConfig]]
) -> str:
    """The id if it can be one and is free, or belongs to the same address; else with the pool."""
    name = _NAME.sub("-", config.id)
    if name not in taken or taken[name][0] == config.address:
        return name
    return f"{pool}.{name}"


def _moved(listener: ListenerConfig, host: str) -> ListenerConfig:
    port = listener.bind.port or 80
    return attrs.evolve(listener, bind=Address(host, port))


def _real_listeners(plan: Config) -> Iterator[Problem]:
    for number, listener in enumerate(plan.listeners):
        where = f"listeners[{number}]"
        if listener.ssl is not None:
            yield Problem(f"{where}.ssl", f"needs real certificates{_PLAIN}")
        if listener.bind.is_unix:
            yield Problem(f"{where}.bind", f"is a socket of the file system{_TCP}")


def _real_servers(plan: Config) -> Iterator[Problem]:
    for pool in plan.pools.values():
        if pool.tls is not None:
            yield Problem(f"pools.{pool.name}.tls", f"needs real certificates{_PLAIN}")
        for config in pool.servers:
            where = f"pools.{pool.name}.servers.{config.id}"
            if config.tls is not None:
                yield Problem(f"{where}.tls", f"needs real certificates{_PLAIN}")
            if config.app is not None:
                yield Problem(f"{where}.app", "runs code of its own; give it an address instead")
            elif config.address.is_unix:
                yield Problem(f"{where}.address", f"is a socket of the file system{_TCP}")


_PLAIN: Final = ", and a simulation has none: leave it out, or try a copy without it"
_TCP: Final = ", and a simulation has none: give a host and a port"


def is_literal(host: str) -> bool:
    """Whether it is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
