"""What may break an attempt off, and what it is called before an answer has begun."""

from collections.abc import Mapping
from typing import Final

import trio

from trio_lb.config.bounds import TimeoutsConfig
from trio_lb.model.message import Reject
from trio_lb.model.outcome import OutcomeKind
from trio_lb.net.body import BodyCut, BodyRefused
from trio_lb.net.h1_upstream import HeadCut


class ClientGone(Exception):
    """The client reset the connection, or takes nothing any more."""


_KINDS: Final[Mapping[type[Exception], OutcomeKind]] = {
    ClientGone: OutcomeKind.ABANDONED,
    HeadCut: OutcomeKind.CLOSED,
    trio.BrokenResourceError: OutcomeKind.RESET,
    BodyCut: OutcomeKind.TRUNCATED,
    BodyRefused: OutcomeKind.BAD_RESPONSE,
}

FAILURES: Final = tuple(_KINDS)
"""To be caught around an attempt; ``BrokenResourceError`` is the server's."""


def kind_of(failure: Exception) -> OutcomeKind:
    """Name one of ``FAILURES``, or of their subclasses."""
    return next(kind for known, kind in _KINDS.items() if isinstance(failure, known))


def cut_short(timeouts: TimeoutsConfig, response_deadline: float) -> str:
    """Say which wait cut an answer that had begun: that for all of it, or for a piece."""
    if trio.current_time() >= response_deadline:
        return f"not complete within {timeouts.response:g} s"
    return f"the server sent nothing for {timeouts.idle:g} s"


def still_coming(timeouts: TimeoutsConfig) -> Reject:
    """Refuse a request whose body took all of the time that its answer has: no server's doing."""
    detail = f"the body was still coming after {timeouts.response:g} s"
    return Reject(408, "request_timeout", detail)
