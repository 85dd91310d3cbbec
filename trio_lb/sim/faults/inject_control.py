"""Injecting what changes around the balancer: names, configuration, the number of servers."""

import itertools
from collections.abc import Mapping
from functools import partial
from typing import Final

from trio_lb.model.errors import ConfigError
from trio_lb.sim.certificates import Certificates
from trio_lb.sim.faults.inject_host import restart
from trio_lb.sim.faults.overlay import Heal, add, all_of, join, newest, worst_of
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Server, Site, count, number
from trio_lb.sim.faults.target import Sort
from trio_lb.sim.faults.waves import DEPLOY_SECONDS, wave_size
from trio_lb.sim.names import Entry

_EITHER: Final = worst_of(False, True)


def _entry(site: Site, fault: Fault) -> Entry:
    (name,) = fault.target.names
    return site.net.names.entry(name)


def _dns_add(site: Site, fault: Fault) -> Heal:
    address = (str(fault.args["address"]),)
    return site.overlays.lay(_entry(site, fault), "added", address, join)


def _dns_remove(site: Site, fault: Fault) -> Heal:
    address = (str(fault.args["address"]),)
    return site.overlays.lay(_entry(site, fault), "removed", address, join)


def _dns_stale(site: Site, fault: Fault) -> Heal:
    entry = _entry(site, fault)
    return site.overlays.hold(entry, "stale", entry.freeze, entry.thaw)


def _dns_nxdomain(site: Site, fault: Fault) -> Heal:
    return site.overlays.lay(_entry(site, fault), "is_unknown", True, _EITHER)


def _dns_servfail(site: Site, fault: Fault) -> Heal:
    return site.overlays.lay(_entry(site, fault), "is_failing", True, _EITHER)


def _dns_slow(site: Site, fault: Fault) -> Heal:
    delay = number(fault, "delay")
    return site.overlays.lay(_entry(site, fault), "delay_seconds", delay, add)


def _reload(site: Site, fault: Fault) -> None:
    site.balancer(fault).reload()


def balanced(site: Site, fault: Fault) -> None:
    """Refuse a fault of a balancer that is not there."""
    site.balancer(fault)


def deployed(site: Site, fault: Fault) -> list[str]:
    """Return the servers and programs that the balancer names: somebody at least."""
    site.balancer(fault)
    (name,) = fault.target.names
    names = [*site.world.behind[name]]
    if not names:
        raise ConfigError(f"{fault.target} has no servers: {fault.kind} has nobody to restart")
    return names


def scaled_up(site: Site, fault: Fault) -> None:
    """Refuse more servers where there is none that they could be like."""
    site.balancer(fault)
    if not site.world.servers:
        raise ConfigError(
            f"there is no server of the simulation to copy: {fault.kind} makes more of the kind"
            " that came last (sim.server), and programs of yours are not copied"
        )


def certificates_of(site: Site, fault: Fault) -> Certificates:
    """Return what the balancer shows."""
    certificates = site.balancer(fault).certificates
    if certificates is None:
        raise ConfigError(f"{fault.target} has no certificate: none of its listeners speaks TLS")
    return certificates


def secured_server(site: Site, fault: Fault) -> Server:
    """Return the server, which shows a certificate."""
    server = site.world.servers.get(fault.target.names[0])
    if server is None or not server.speaks_tls:
        raise ConfigError(f"{fault.target} has no certificate: it speaks no TLS")
    return server


def _rotate_certificate(site: Site, fault: Fault) -> Heal | None:
    """Put another file where the certificate was, and say so; a bad one goes with the heal."""
    balancer, certificates = site.balancer(fault), certificates_of(site, fault)
    to = str(fault.args["to"])
    if to == "good":
        certificates.renew()
        balancer.reload()
        return None
    heal = site.overlays.lay(certificates, "spoilt", to, newest)
    balancer.reload()
    return all_of([heal, balancer.reload])


def _expire_certificate(site: Site, fault: Fault) -> Heal:
    """Let the days be over of what is shown; a balancer goes on to show it, and reads nothing."""
    if fault.target.sort is Sort.SERVER:
        return site.overlays.lay(secured_server(site, fault), "is_expired", True, _EITHER)
    balancer, certificates = site.balancer(fault), certificates_of(site, fault)
    certificates.expire()

    def heal() -> None:
        if certificates.is_expired:
            certificates.renew()
            balancer.reload()

    return heal


def _deploy_wave(site: Site, fault: Fault) -> Heal:
    """Restart a balancer's servers in their order; the heal ends the deployment where it is."""
    names = deployed(site, fault)
    size = wave_size(number(fault, "share"), len(names))
    heals: list[Heal] = []

    def wave(members: list[str]) -> None:
        heals.extend(restart(site, name, DEPLOY_SECONDS) for name in members)

    calls = [
        site.after(turn * number(fault, "every"), partial(wave, names[first : first + size]))
        for turn, first in zip(itertools.count(), range(0, len(names), size), strict=False)
    ]

    def heal() -> None:
        all_of([call.cancel for call in calls])()
        all_of(heals)()

    return heal


def _scale_up(site: Site, fault: Fault) -> None:
    scaled_up(site, fault)
    site.balancer(fault).add_servers(count(fault, "count"))


def _scale_down(site: Site, fault: Fault) -> None:
    site.balancer(fault).remove_servers(count(fault, "count"))


CONTROL: Final[Mapping[str, Injector]] = {
    "dns_add": _dns_add,
    "dns_remove": _dns_remove,
    "dns_stale": _dns_stale,
    "dns_nxdomain": _dns_nxdomain,
    "dns_servfail": _dns_servfail,
    "dns_slow": _dns_slow,
    "reload": _reload,
    "rotate_certificate": _rotate_certificate,
    "expire_certificate": _expire_certificate,
    "deploy_wave": _deploy_wave,
    "scale_up": _scale_up,
    "scale_down": _scale_down,
}
