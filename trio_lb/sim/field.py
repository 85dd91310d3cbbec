"""What faults can hit in a simulated world, beside what a topology lists.

    configurations of the balancers --> names that are looked up, and who is behind each
                                    --> points at which their code tries itself

A name or a point that the run never passes would be a fault that nobody feels, drawn in place
of one that somebody does.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from trio_lb.config.schema import Config
from trio_lb.net.haste import WAITS
from trio_lb.sim.adopt import is_literal
from trio_lb.sim.search.targets import Field
from trio_lb.sim.simulation import Simulation

OF_SOCKETS: Final = ("reads", "window", "backlog")
"""Points at the sockets of balancers and programs; the others are a balancer's waits."""


def field_of(sim: Simulation) -> Field:
    """Return what can be hit in a world that is only made to be looked at.

    Its balancers are made, and with them the servers that only their configurations name.

    Raises:
      ConfigError: the configuration of a balancer is refused.
    """
    sim.hire_balancers()
    plans = [balancer.plan for balancer in sim.balancers.values()]
    return Field(
        sim.cast,
        resolvers={name: tuple(_behind(sim, name)) for name in _looked_up(sim, plans)},
        points=tuple(_points(sim, plans)),
        programs=tuple(sim.cast.programs),
        balancers=tuple(sim.balancers),
        idle=tuple(name for name in sim.balancers if not sim.cast.behind[name]),
        secured=(
            *(name for name, each in sim.balancers.items() if each.secured),
            *(name for name, each in sim.servers.items() if each.speaks_tls),
        ),
    )


def _looked_up(sim: Simulation, plans: Sequence[Config]) -> list[str]:
    """The names in configurations; programs may ask for the name of anybody who listens."""
    names = [host for plan in plans for host in _hosts(plan) if not is_literal(host)]
    if sim.programs:
        names += [*sim.servers, *sim.balancers, *sim.programs]
    return list(dict.fromkeys(names))


def _hosts(plan: Config) -> Iterator[str]:
    for pool in plan.pools.values():
        for server in pool.servers:
            yield server.address.host


def _behind(sim: Simulation, name: str) -> Iterator[str]:
    """The servers that nobody reaches who is not told the truth about this name."""
    known = sim.net.names.entry(name).addresses
    hosts = [each.host for each in sim.servers.values()]
    hosts += [each.host for each in sim.programs.values()]
    yield from (host.name for host in hosts if host.address in known)


def _points(sim: Simulation, plans: Sequence[Config]) -> Iterator[str]:
    if plans or sim.programs:
        yield from OF_SOCKETS
    absent = []
    if not any(pool.health_check.enabled for plan in plans for pool in plan.pools.values()):
        absent.append("probe")
    if not any(listener.ssl is not None for plan in plans for listener in plan.listeners):
        absent.append("tls_handshake")
    yield from (wait for wait in WAITS if plans and wait not in absent)
