"""Waiting for a client while a server is on trial.

A half-open server lets few requests in at a time. One whose client sends its body, or takes its
answer, byte by byte proves nothing about the server, and would keep everybody else away from it
for as long as the client likes. So the permit is for the server's time, and not for the client's:
a client may keep it waiting for PERMIT_SECONDS in all. Then the request goes on without it, and the
next one is let in; what becomes of it counts all the same.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, TypeVarTuple

import trio

from trio_lb.proxy.exchange import Exchange
from trio_lb.state.lease import Trial

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PERMIT_SECONDS: Final = 1.0


async def for_client(exchange: Exchange, wait: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
    """Return what ``wait(*args)`` does. It may be cancelled at any wait, and is then called again."""
    lease = exchange.lease
    if isinstance(lease, Trial) and lease.has_permit:
        begun_at = trio.current_time()
        with trio.move_on_at(begun_at + PERMIT_SECONDS - lease.client_seconds):
            came = await wait(*args)
            lease.client_seconds += trio.current_time() - begun_at
            return came
        lease.judged()
    return await wait(*args)
