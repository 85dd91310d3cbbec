"""The decisions of balancers in a run, and the first in which two runs differ.

Two runs on common random numbers are the same up to the first decision that is another; all else
that differs follows from it.
"""

from collections.abc import Sequence
from typing import Final

import attrs

from trio_lb.sim.happening import Happening, What, Wire
from trio_lb.sim.search.replay import told
from trio_lb.sim.trace import TraceEvent

PICKS: Final = (What.SELECT, What.NO_SERVER, What.SHED)
"""What is decided of a request."""

VERDICTS: Final = (
    What.HEALTH, What.EJECT, What.READMIT, What.OPEN, What.HALF_OPEN, What.CLOSE,
    What.FAIL_OPEN, What.FAIL_CLOSED,
)  # fmt: skip
"""What is decided of a server or a pool."""

FIRST_PASSED: Final = "first check passed"
"""The reason of a verdict of health that confirms what was assumed."""

_TELLING: Final = 3
"""So many values say what was decided (of whom, in which pool, how); what follows are times."""


@attrs.frozen(slots=True)
class Parting:
    """Where two runs part: what was decided in each, in words; "" where one decided nothing more."""

    old: str
    new: str


@attrs.frozen
class Decisions:
    """All decisions of one run, in their order."""

    picks: list[Happening] = attrs.field(factory=list)
    verdicts: list[Happening] = attrs.field(factory=list)

    def attach(self, wire: Wire) -> None:
        """Hear of them from now on."""
        wire.hear(self.picks.append, *PICKS)
        wire.hear(self._judged, *VERDICTS)

    def _judged(self, happening: Happening) -> None:
        """Take it down, unless nothing changes by it: who is new counts as healthy anyhow."""
        if happening.what is not What.HEALTH or happening.values[-1] != FIRST_PASSED:
            self.verdicts.append(happening)


def first_parting(old: Sequence[Happening], new: Sequence[Happening]) -> Parting | None:
    """Return the first decisions that differ; None if all are the same."""
    for one, other in zip(old, new, strict=False):
        if _decided(one) != _decided(other):
            return Parting(_said(one), _said(other))
    if len(old) == len(new):
        return None
    longer = old if len(old) > len(new) else new
    more = _said(longer[min(len(old), len(new))])
    return Parting(more, "") if longer is old else Parting("", more)


def _decided(happening: Happening) -> tuple[object, ...]:
    """What counts of a decision: not the instant, nor how busy the server was."""
    values = happening.values[: 2 if happening.what is What.SELECT else _TELLING]
    return (happening.what, happening.entity, happening.req, *values)


def _said(happening: Happening) -> str:
    at_ns = round(happening.at * 1e9)
    kind = happening.what.name
    return told(
        TraceEvent(
            at_ns, 0, kind, happening.entity, happening.conn, happening.req, happening.values
        )
    )
