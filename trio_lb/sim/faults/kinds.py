"""Every kind of fault: what it hits, what may be said about it, how long it lasts.

One table, four readers: records and schedules are checked by it, the page in
docs/simulation is made from it, and whoever injects faults finds its functions by
the kinds' names. Nothing happens here.
"""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.faults import wire_kinds, world_kinds
from trio_lb.sim.faults.shape import FaultKind

KINDS: Final[Mapping[str, FaultKind]] = {
    kind.name: kind
    for family in (
        wire_kinds.link_kinds,
        wire_kinds.connect_kinds,
        wire_kinds.stream_kinds,
        world_kinds.host_kinds,
        world_kinds.app_kinds,
        world_kinds.control_kinds,
        world_kinds.client_kinds,
        world_kinds.buggify_kinds,
    )
    for kind in family()
}
"""All of them by name, in the order of their families."""
