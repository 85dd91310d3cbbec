"""Why a pool has nobody to send a request to, in words for clients and for logs."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from trio_lb.state.server import Server, ServerState


@attrs.frozen(slots=True)
class Unavailable:
    """A pick that found nobody.

    ``message`` names no address: clients may read it. ``retry_after_seconds`` is whole
    and at least 1: until the next probe or readmission, when one is known.
    """

    message: str
    retry_after_seconds: int
    by_breaker: bool = False
    """Whether somebody would take requests if it were not for breakers."""


FULL: Final = "at max_connections"
EJECTED: Final = "ejected"
OPEN: Final = "circuit breaker open"
TRIAL: Final = "circuit breaker open but for trials"
USABLE: Final = "usable"

_WORDS: Final = {
    ServerState.UNHEALTHY: "unhealthy",
    ServerState.UNKNOWN: "not checked yet",
    ServerState.DRAINING: "draining",
    ServerState.DISABLED: "disabled",
}


def explain(pool: str, members: Sequence[Server]) -> str:
    """Say how many servers are out, and for which reasons."""
    if not members:
        return f"pool {pool!r}: no healthy server, it has none"
    reasons = Counter(map(reason_of, members))
    listed = ", ".join(f"{reasons[reason]} {reason}" for reason in sorted(reasons))
    has_full = FULL in reasons
    what = "no healthy server has room," if has_full else "no healthy server"
    return f"pool {pool!r}: {what} of {len(members)} ({listed})"


def reason_of(server: Server) -> str:
    """Say in a few words what keeps new requests from a server; ``USABLE`` if nothing does."""
    if server.is_usable:
        return USABLE if server.has_room else FULL
    if not server.is_good:
        return _WORDS[server.state]
    if server.is_ejected:
        return EJECTED
    return TRIAL if server.is_on_trial else OPEN


def is_by_breaker(members: Iterable[Server]) -> bool:
    """Whether nobody is usable, and breakers alone keep all out who would be otherwise."""
    fit = [server for server in members if server.is_fit]
    return bool(fit) and not any(server.is_usable for server in fit)


def whole_seconds_until(instants: Iterable[float | None], now: float) -> int:
    """Return the wait for the earliest known instant, for a Retry-After."""
    waits = [at - now for at in instants if at is not None]
    return max(math.ceil(min(waits, default=1.0)), 1)
