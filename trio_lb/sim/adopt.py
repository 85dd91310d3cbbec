"""A configuration as it runs in production, adopted by a simulated world.

Its listeners move onto the balancer's virtual host, each of its servers becomes an actor at the
same address. Certificates are exchanged for those of the simulation (``sim.certificates``). What
would need something real (sockets of the file system, code of its own) is refused, all of it at
once, as a reader of configurations does.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from trio_lb.config.load import load_file, load_mapping
from trio_lb.config.schema import Config, ListenerConfig, PoolConfig, ServerConfig
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.adopt_fit import Taken, fitted
from trio_lb.sim.adopt_lines import located
from trio_lb.sim.certificates import Certificates, towards_servers
from trio_lb.sim.faults.target import plain_name

_NEEDS_SERVERS: Final = ("servers", "pools", "backends", "targets")


@attrs.frozen(slots=True)
class Adopted:
    """A plan for a virtual host, and the servers that it speaks of.

    ``servers`` maps the simulation's names to where they listen; ``names`` maps (pool, id) to them.
    ``secured`` are the servers that are spoken to over TLS; ``certificates`` are the balancer's
    own, if it has any.
    """

    plan: Config
    servers: Mapping[str, tuple[Address, ServerConfig]]
    names: dict[tuple[str, str], str]
    secured: tuple[str, ...] = ()
    certificates: Certificates | None = None


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


def adopt(
    plan: Config, host: str, *, source: str = "", is_taken: Taken = lambda name: False
) -> Adopted:
    """Return the plan for a balancer at the literal ``host``.

    What it says of machines that a simulated world has not is fitted to those that it has (see
    ``adopt_fit``); a server whose name ``is_taken`` there gets another.

    Raises:
      ConfigError: with everything in it that a simulation can't stand in for.
    """
    problems = [*_real_listeners(plan), *_real_servers(plan)]
    if problems:
        raise ConfigError(located(problems, plan, source))
    plan = fitted(plan, is_taken)
    wanted = plan.listeners or (ListenerConfig(bind=Address(host, 80)),)
    certificates = Certificates() if any(each.ssl is not None for each in wanted) else None
    listeners = tuple(_moved(listener, host, certificates) for listener in wanted)
    servers: dict[str, tuple[Address, ServerConfig]] = {}
    names: dict[tuple[str, str], str] = {}
    secured: list[str] = []
    for pool in plan.pools.values():
        for config in pool.servers:
            name = _name_for(pool.name, config, servers)
            servers.setdefault(name, (config.address, config))
            names[pool.name, config.id] = name
            tls = config.tls or pool.tls
            if tls is not None and tls.enabled:
                secured.append(name)
    pools = {name: _trusting(pool) for name, pool in plan.pools.items()}
    adopted = attrs.evolve(plan, listeners=listeners, pools=pools)
    return Adopted(adopted, servers, names, tuple(secured), certificates)


def refuse_idle(plan: Config, pool: PoolConfig, source: str) -> None:
    """Refuse a plan whose clients come to a pool in which nobody serves.

    Raises:
      ConfigError: it has no servers, or they are disabled.
    """
    if any(not each.disabled for each in pool.servers):
        return
    why = "each of its servers is disabled" if pool.servers else "it has no servers"
    says = f"nobody serves in pool '{pool.name}', to which clients come: {why}"
    says += ", so that every request would be answered 503, whatever happens"
    problem = Problem(f"pools.{pool.name}.servers", says)
    raise ConfigError(located([problem], plan, source))


def _trusting(pool: PoolConfig) -> PoolConfig:
    """A pool whose settings for TLS are such that simulated servers satisfy them."""
    servers = tuple(
        each if each.tls is None else attrs.evolve(each, tls=towards_servers(each.tls))
        for each in pool.servers
    )
    tls = None if pool.tls is None else towards_servers(pool.tls)
    return attrs.evolve(pool, servers=servers, tls=tls)


def _name_for(
    pool: str, config: ServerConfig, taken: Mapping[str, tuple[Address, ServerConfig]]
) -> str:
    """The id if it can be one and is free, or belongs to the same address; else with the pool."""
    name = plain_name(config.id)
    if name not in taken or taken[name][0] == config.address:
        return name
    return f"{pool}.{name}"


def _moved(
    listener: ListenerConfig, host: str, certificates: Certificates | None
) -> ListenerConfig:
    bind = Address(host, listener.bind.port or 80)
    if listener.ssl is None or certificates is None:
        return attrs.evolve(listener, bind=bind)
    return attrs.evolve(listener, bind=bind, ssl=certificates.stand_in(listener.ssl))


def _real_listeners(plan: Config) -> Iterator[Problem]:
    for number, listener in enumerate(plan.listeners):
        where = f"listeners[{number}]"
        if listener.bind.is_unix:
            yield Problem(f"{where}.bind", f"is a socket of the file system{_TCP}")


def _real_servers(plan: Config) -> Iterator[Problem]:
    for pool in plan.pools.values():
        for config in pool.servers:
            where = f"pools.{pool.name}.servers.{config.id}"
            if config.app is not None:
                yield Problem(f"{where}.app", "runs code of its own; give it an address instead")
            elif config.address.is_unix:
                yield Problem(f"{where}.address", f"is a socket of the file system{_TCP}")


_TCP: Final = ", and a simulation has none: give a host and a port"


def literals(source: Config | Mapping[str, object] | str | Path | None) -> Iterator[str]:
    """Yield the addresses of the servers that are not called by a name.

    Raises:
      ConfigError: it is refused.
    """
    if source is None or lacks_servers(source):
        return
    for pool in read(source).pools.values():
        yield from (each.address.host for each in pool.servers if is_literal(each.address.host))


def is_literal(host: str) -> bool:
    """Whether it is an address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
