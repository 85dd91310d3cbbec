"""Injecting rare but legal behaviour at points that have names.

    point:reads    receives of balancers and programs give one byte   (one_byte_reads)
    point:window   their new connections have a small window          (shrink)
    point:backlog  their listeners have a small backlog               (shrink)
    point:connect  and other waits of a balancer end early            (spurious_timeout)

A fault tosses once whether its point is armed at all (``on``), then each time whether it acts
(``fires``), from chance of its own.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Final

from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.meddle import meddle, put_valve
from trio_lb.sim.faults.overlay import Heal, all_of, least
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Site, count, number
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.rule import Valve
from trio_lb.sim.stream import VirtualStream


class Nibble(Valve):
    """Now and then lets only one byte through."""

    opens_at = float("-inf")

    def __init__(self, rng: random.Random, fires: float) -> None:
        self._rng = rng
        self._fires = fires

    def most_bytes(self, wanted: int) -> int:
        """See ``Valve``."""
        return 1 if self._rng.random() < self._fires else wanted


def _one_byte_reads(site: Site, fault: Fault) -> Heal | None:
    _point(fault)
    rng = site.rng(fault)
    if rng.random() >= number(fault, "on"):
        return None
    hosts = _hosts(site)
    nibble = Nibble(rng, number(fault, "fires"))
    return meddle(hosts, _standing(site, hosts), lambda end: put_valve(end.incoming.valves, nibble))


def _shrink(site: Site, fault: Fault) -> Heal | None:
    point, rng, to = _point(fault), site.rng(fault), count(fault, "to")
    if rng.random() >= number(fault, "on"):
        return None
    hosts = _hosts(site)
    if point == "backlog":
        return all_of([site.overlays.lay(host, "backlog_cap", to, least) for host in hosts])

    def narrow(end: VirtualStream) -> Heal:
        if rng.random() >= number(fault, "fires"):
            return _nothing
        lay = site.overlays.lay
        return all_of([lay(pipe, "window", to, least) for pipe in (end.incoming, end.outgoing)])

    return meddle(hosts, [], narrow)


def _spurious_timeout(site: Site, fault: Fault) -> Heal | None:
    """Arm the point wherever our own code, or a program that asks its ``Env``, has it."""
    point, rng, fires = _point(fault), site.rng(fault), number(fault, "fires")
    if rng.random() >= number(fault, "on"):
        return None
    world = site.world

    def toss() -> bool:
        return rng.random() < fires

    envs = [each.env for each in (*world.balancers.values(), *world.programs.values())]
    return all_of([env.arm(point, toss) for env in envs])


def _point(fault: Fault) -> str:
    (name,) = fault.target.names
    known = KINDS[fault.kind].points
    if name not in known:
        *most, last = known
        points = f"{', '.join(most)} or {last}" if most else last
        raise ConfigError(f"{fault.kind} acts at point:{points}; there is no point:{name}")
    return name


def _hosts(site: Site) -> list[HostNetwork]:
    world = site.world
    return [each.host for each in (*world.balancers.values(), *world.programs.values())]


def _standing(site: Site, hosts: Sequence[HostNetwork]) -> list[VirtualStream]:
    return [end for host in hosts for end in site.net.streams_of(host.name)]


def _nothing() -> None:
    """Nothing was done to this end."""


BUGGIFY: Final[Mapping[str, Injector]] = {
    "shrink": _shrink,
    "one_byte_reads": _one_byte_reads,
    "spurious_timeout": _spurious_timeout,
}
