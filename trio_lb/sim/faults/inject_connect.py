"""Injecting the faults of connecting."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.faults.overlay import Heal, add, all_of, fewest, least, worst_of
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Site, count, number
from trio_lb.sim.faults.target import Sort
from trio_lb.sim.handshake import Overflow
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Connects, Link

# Silence hides a refusal, which nobody hears.
_CONNECTS: Final = worst_of(Connects.PASS, Connects.REFUSE, Connects.BLACKHOLE)
_OVERFLOW: Final = worst_of(Overflow.DROP, Overflow.RESET)
_EITHER: Final = worst_of(False, True)
_NO_PLACE: Final = -1


def _connects(site: Site, fault: Fault, what: Connects) -> Heal:
    places: list[Link | HostNetwork] = []
    if fault.target.sort is Sort.LINK:
        places += site.links(fault)
    else:
        places.append(_host(site, fault))
    return all_of([site.overlays.lay(place, "connects", what, _CONNECTS) for place in places])


def _refuse(site: Site, fault: Fault) -> Heal:
    return _connects(site, fault, Connects.REFUSE)


def _blackhole(site: Site, fault: Fault) -> Heal:
    return _connects(site, fault, Connects.BLACKHOLE)


def _backlog_full(site: Site, fault: Fault) -> Heal:
    host, lay = _host(site, fault), site.overlays.lay
    overflow = Overflow(str(fault.args["overflow"]))
    return all_of(
        [
            lay(host, "backlog_cap", _NO_PLACE, least),
            lay(host, "overflow", overflow, _OVERFLOW),
        ]
    )


def _slow_accept(site: Site, fault: Fault) -> Heal:
    host = _host(site, fault)
    return site.overlays.lay(host, "accept_delay_seconds", number(fault, "delay"), add)


def _port_exhaustion(site: Site, fault: Fault) -> Heal:
    ports = _host(site, fault).client_ports
    return site.overlays.lay(ports, "allowed", count(fault, "left"), fewest)


def _out_of_descriptors(site: Site, fault: Fault) -> Heal:
    host, where = _host(site, fault), fault.args["where"]
    heals: list[Heal] = []
    if where in ("both", "connect"):
        heals.append(site.overlays.lay(host, "out_of_descriptors", True, _EITHER))
    if where in ("both", "accept"):
        heals.append(site.overlays.lay(host, "cannot_accept", True, _EITHER))
    return all_of(heals)


def _host(site: Site, fault: Fault) -> HostNetwork:
    (name,) = fault.target.names
    return site.host(name)


CONNECT: Final[Mapping[str, Injector]] = {
    "refuse": _refuse,
    "blackhole": _blackhole,
    "backlog_full": _backlog_full,
    "slow_accept": _slow_accept,
    "port_exhaustion": _port_exhaustion,
    "out_of_descriptors": _out_of_descriptors,
}
