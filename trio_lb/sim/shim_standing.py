"""What a virtual socket is at present, and what Linux answers to what cannot be done with it.

::

    FRESH --BIND--> BOUND --LISTEN--> LISTENING        any of them --CLOSE--> CLOSED
      '------+--------'
           DIAL
             v
         DIALLING --ANSWER--> CONNECTED <--TAKE-- FRESH (what accept returns)
             '------FAIL----> FRESH

Rule 1: a standing changes only by ``after``, only as TRANSITIONS says.
Rule 2: what it does not say is an error of the program, as Linux numbers it.
"""

import errno
import os
from collections.abc import Mapping
from enum import Enum
from typing import Final


def error(number: int, what: str) -> OSError:
    """Return what the kernel would say; the number decides of which class it is."""
    return OSError(number, f"{os.strerror(number)}: {what}")


class Standing(Enum):
    """What a socket is at present."""

    FRESH = "fresh"
    BOUND = "bound"
    DIALLING = "dialling"
    LISTENING = "listening"
    CONNECTED = "connected"
    CLOSED = "closed"


class Act(Enum):
    """What is done to it, or what comes of it."""

    BIND = "bind"
    LISTEN = "listen"
    DIAL = "connect"
    ANSWER = "be answered"
    FAIL = "fail"
    TAKE = "be accepted"
    CLOSE = "close"


TRANSITIONS: Final[Mapping[Standing, Mapping[Act, Standing]]] = {
    Standing.FRESH: {
        Act.BIND: Standing.BOUND,
        Act.LISTEN: Standing.LISTENING,
        Act.DIAL: Standing.DIALLING,
        Act.TAKE: Standing.CONNECTED,
        Act.CLOSE: Standing.CLOSED,
    },
    Standing.BOUND: {
        Act.LISTEN: Standing.LISTENING,
        Act.DIAL: Standing.DIALLING,
        Act.CLOSE: Standing.CLOSED,
    },
    Standing.DIALLING: {
        Act.ANSWER: Standing.CONNECTED,
        Act.FAIL: Standing.FRESH,
        Act.CLOSE: Standing.CLOSED,
    },
    Standing.LISTENING: {Act.LISTEN: Standing.LISTENING, Act.CLOSE: Standing.CLOSED},
    Standing.CONNECTED: {Act.CLOSE: Standing.CLOSED},
    Standing.CLOSED: {},
}

ILLEGAL: Final[Mapping[Act, int]] = {
    Act.BIND: errno.EINVAL,
    Act.LISTEN: errno.EINVAL,
    Act.DIAL: errno.EISCONN,
}
"""What Linux answers to an act that comes at the wrong time; to anything on a closed socket
it is EBADF, to a second connect during the first one EALREADY."""


def after(standing: Standing, act: Act) -> Standing:
    """Return what a socket is after ``act``.

    Raises:
      OSError: that cannot be done with it now.
    """
    next_one = TRANSITIONS[standing].get(act)
    if next_one is not None:
        return next_one
    number = ILLEGAL.get(act, errno.EINVAL)
    if standing is Standing.CLOSED:
        number = errno.EBADF
    elif standing is Standing.DIALLING and act is Act.DIAL:
        number = errno.EALREADY
    raise error(number, f"{act.value} while {standing.value}")
