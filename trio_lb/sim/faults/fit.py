"""What a world must have for a fault, asked before the run: a fault at 10 m fails at once, not then.

What can only be known when it comes (a name that a program makes known) is asked when it is
injected, with the same words.
"""

from collections.abc import Callable, Mapping
from typing import Final

from trio_lb.sim.faults.inject_app import modelled
from trio_lb.sim.faults.inject_control import (
    balanced,
    certificates_of,
    deployed,
    scaled_up,
    secured_server,
)
from trio_lb.sim.faults.inject_host import slowed
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Site
from trio_lb.sim.faults.target import Sort


def refuse_misfit(site: Site, fault: Fault) -> None:
    """Refuse a fault that would be refused when it comes.

    Raises:
      ConfigError: its target is not in this world, or is not what the fault needs.
    """
    needs = _NEEDS.get(fault.kind)
    if needs is not None:
        needs(site, fault)
    elif KINDS[fault.kind].modelled and fault.target.sort is Sort.SERVER:
        modelled(site, fault)


def _expires(site: Site, fault: Fault) -> None:
    of_server = fault.target.sort is Sort.SERVER
    (secured_server if of_server else certificates_of)(site, fault)


def _slowed(site: Site, fault: Fault) -> None:
    """A program may still take a processor when it begins."""
    (name,) = fault.target.names
    if name not in site.world.programs and name not in site.world.servers:
        slowed(site, name)


def _told_the_time(site: Site, fault: Fault) -> None:
    (name,) = fault.target.names
    site.env(name)


_NEEDS: Final[Mapping[str, Callable[[Site, Fault], object]]] = {
    "clock_jump": _told_the_time,
    "clock_skew": _told_the_time,
    "deploy_wave": deployed,
    "expire_certificate": _expires,
    "reload": balanced,
    "rotate_certificate": certificates_of,
    "scale_down": balanced,
    "scale_up": scaled_up,
    "slow_cpu": _slowed,
    "warm_up": _slowed,
}
