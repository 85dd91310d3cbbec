"""Our own half of a stream: what we have said of its end.

::

    OPEN --FINISH--> FINISHED --CLOSE--> CLOSED
      '---------------CLOSE---------------^

Rule 1: a FINISHED half says nothing more; receiving goes on.
Rule 2: what the other end did is no state of ours: it arrives, with the bytes.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from trio_lb.model.errors import IllegalTransition


class Half(Enum):
    """How far our own half has come."""

    OPEN = "open"
    FINISHED = "finished"
    CLOSED = "closed"


class Act(Enum):
    """What the stream's owner does to it."""

    FINISH = "finish"
    CLOSE = "close"


TRANSITIONS: Final[Mapping[Half, Mapping[Act, Half]]] = {
    Half.OPEN: {Act.FINISH: Half.FINISHED, Act.CLOSE: Half.CLOSED},
    Half.FINISHED: {Act.CLOSE: Half.CLOSED},
    Half.CLOSED: {},
}


def after(half: Half, act: Act) -> Half:
    """Return what ``half`` is after ``act``.

    Raises:
      IllegalTransition: the table draws no such change.
    """
    try:
        return TRANSITIONS[half][act]
    except KeyError:
        raise IllegalTransition(f"a {half.value} half cannot {act.value}") from None
