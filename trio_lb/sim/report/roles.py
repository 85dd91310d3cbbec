"""Which sort of thing tells of a step: the columns of a request's life."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.happening import What

CLIENT: Final = "client"
BALANCER: Final = "balancer"
SERVER: Final = "server"
WORLD: Final = "world"

ROLES: Final[Mapping[What, str]] = {
    **dict.fromkeys((What.ARRIVE, What.TRY, What.ANSWER, What.FAIL, What.DONE), CLIENT),
    **dict.fromkeys(
        (What.ACCEPT, What.TAKE, What.BEGIN, What.SWITCH, What.REPLY, What.DROP, What.PROBE), SERVER
    ),
    **dict.fromkeys((What.INJECT, What.HEALED, What.PHASE, What.SOMETIMES, What.NOTE), WORLD),
}
"""Who tells what; whatever is not here is told by balancers."""


def role_of(what: What) -> str:
    """Return which sort of thing tells of this."""
    return ROLES.get(what, BALANCER)
