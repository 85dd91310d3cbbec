"""Who is behind a balancer: the servers that its configuration names, made if nobody made them.

configuration --> servers of the simulation, or programs of the user's own, that are here
              --> servers that only it names: made with default settings
scale_up      --> servers like the last one, in the middle of a run
"""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from trio_lb.config.schema import Config
from trio_lb.model.address import Address
from trio_lb.sim.actors.server import ServerActor
from trio_lb.sim.adopt import is_literal
from trio_lb.sim.host import HostNetwork

if TYPE_CHECKING:
    from trio_lb.sim.simulation import Simulation


def own_servers(sim: "Simulation") -> list[dict[str, object]]:
    """Return the servers of a simulation as a configuration that leaves them out would say them."""
    return [
        {"id": name, "address": str(actor.address)} | _zone_of(actor.host)
        for name, actor in sim.servers.items()
    ]


def server_at(sim: "Simulation", name: str, address: Address) -> ServerActor:
    """Return the server that a configuration names, by its address if by no name."""
    answering = [each for each in sim.servers.values() if _answers(each, address)]
    return [*answering, sim.servers[name]][0] if name in sim.servers else answering[0]


def hire_named(sim: "Simulation", name: str, address: Address, zone: str | None) -> None:
    """Make the server that a configuration names, unless it is here."""
    here = sim.servers.get(name)
    if here is not None and here.address.port == address.port:
        return
    if any(_answers(actor, address) for actor in sim.servers.values()):
        return
    if any(address.host in (each.name, each.host.address) for each in sim.programs.values()):
        return  # A program of the user's own is to answer there.
    literal = address.host if is_literal(address.host) else None
    sim.net.make_way(address.host, keep=sim.servers)
    actor = sim.server(name, zone=zone, address=literal, port=address.port)
    if literal is None:
        sim.net.set_name(address.host, [actor.host.address])


def hire_more(sim: "Simulation", balancer: str, count: int) -> list[tuple[str, Address]]:
    """Make more servers of the kind that came last, in the middle of a run.

    There is one to copy: a fault that asks for more where there is none was refused.
    """
    last = sim.servers[sim.cast.servers[-1]]
    hired: list[tuple[str, Address]] = []
    for _ in range(count):
        number = next(each for each in itertools.count(1) if f"new{each}" not in sim.servers)
        actor = sim.server(
            f"new{number}",
            zone=last.host.zone or None,
            **attrs.asdict(last.settings, recurse=False),
        )
        sim.stage.start_soon(actor.start)
        sim.cast.behind[balancer].append(actor.name)
        hired.append((actor.name, actor.address))
    return hired


def who_serves(sim: "Simulation", plan: Config) -> Iterator[str]:
    """Yield whom a plan has among its servers: modelled ones, then programs, as they were made."""
    named = [each.address.host for pool in plan.pools.values() for each in pool.servers]
    literals = [at for host in named for at in sim.net.names.entry(host).addresses]
    hosts = [*(each.host for each in sim.servers.values())]
    hosts += [each.host for each in sim.programs.values()]
    for host in hosts:
        if host.name in named or host.address in (*named, *literals):
            yield host.name


def _answers(actor: ServerActor, address: Address) -> bool:
    return actor.address.port == address.port and address.host in (actor.name, actor.host.address)


def _zone_of(host: HostNetwork) -> dict[str, object]:
    return {"zone": host.zone} if host.zone else {}
