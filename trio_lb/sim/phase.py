"""How far one half of a virtual connection has come: what its owner has said on it.

::

    OPEN --FINISH--> FINISHED --CLOSE--> CLOSED --ABANDON--> ABANDONED
      '---------------CLOSE---------------^

What the other end did is no phase: it arrives.
"""

from collections.abc import Mapping
from typing import Final

from trio_lb.model.step import Step


class Phase(Step):
    """How far our own half has come."""

    OPEN = "open"
    FINISHED = "finished"
    CLOSED = "closed"
    ABANDONED = "abandoned"


class Act(Step):
    """What the owner does to it."""

    FINISH = "finish"
    CLOSE = "close"
    ABANDON = "abandon"


TRANSITIONS: Final[Mapping[Phase, Mapping[Act, Phase]]] = {
    Phase.OPEN: {Act.FINISH: Phase.FINISHED, Act.CLOSE: Phase.CLOSED},
    Phase.FINISHED: {Act.CLOSE: Phase.CLOSED},
    Phase.CLOSED: {Act.ABANDON: Phase.ABANDONED},
    Phase.ABANDONED: {},
}
GONE: Final = (Phase.CLOSED, Phase.ABANDONED)
