"""One table from kinds to what injects them, and the injecting itself.

A family stands in a module of its own and gives a mapping; here they become one table.
"""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.faults.inject_app import APP
from trio_lb.sim.faults.inject_buggify import BUGGIFY
from trio_lb.sim.faults.inject_client import CLIENT
from trio_lb.sim.faults.inject_connect import CONNECT
from trio_lb.sim.faults.inject_control import CONTROL
from trio_lb.sim.faults.inject_host import HOST
from trio_lb.sim.faults.inject_link import LINK
from trio_lb.sim.faults.inject_stream import STREAM
from trio_lb.sim.faults.overlay import Heal
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.site import Injector, Site

INJECTORS: Final[Mapping[str, Injector]] = {
    **LINK,
    **CONNECT,
    **STREAM,
    **HOST,
    **APP,
    **CONTROL,
    **CLIENT,
    **BUGGIFY,
}
"""What each kind does to a world, by the kind's name."""


def inject(site: Site, fault: Fault) -> Heal | None:
    """Do now what a fault says, and return what ends it; None: it cannot be taken back.

    Faults of one kind on one target may overlap: each heal takes back its own share.

    Raises:
      ConfigError: its target is not in this world, or is not what the fault needs.
    """
    return INJECTORS[fault.kind](site, fault)
