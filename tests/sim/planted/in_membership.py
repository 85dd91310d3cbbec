"""Bugs in who belongs to a pool, how much each gets, and how it leaves."""

from typing import Any

from tests.sim.planted.bug import Bed, Patch
from trio_lb.app.front import Front
from trio_lb.policy.balance import shares
from trio_lb.policy.balance.turns import Turns
from trio_lb.policy.drain import DrainMachine
from trio_lb.proxy.websockets import WebSockets
from trio_lb.state.rotation import Rotation

PATCH = Patch()


@PATCH.bug
def weights_ignored(bed: Bed) -> None:
    """Everybody gets the same share, whatever the weights say."""
    begin = Turns.__init__
    bed.replace(Turns, "__init__", lambda self, share: begin(self, shares.alike))


@PATCH.bug
def draining_still_picked(bed: Bed) -> None:
    """A server that leaves its pool goes on getting new requests while it drains."""
    replace = Rotation.replace

    def keeps(self: Rotation, members: Any) -> None:
        members = tuple(members)
        leaving = [each for each in self._members if each not in members]
        replace(self, (*members, *leaving))

    bed.replace(Rotation, "replace", keeps)


@PATCH.bug
def drained_too_early(bed: Bed) -> None:
    """A drain is called over at once, whatever is still under way at the server."""
    start = DrainMachine.start

    def hasty(self: DrainMachine, now: float, *, expires_at: Any, in_flight: int) -> Any:
        return start(self, now, expires_at=expires_at, in_flight=0)

    bed.replace(DrainMachine, "start", hasty)


@PATCH.bug
def stop_cuts_requests(bed: Bed) -> None:
    """A balancer that stops gives its requests no time: it cuts them at once."""
    shutdown = Front.shutdown

    async def at_once(self: Front, deadline_seconds: float | None = None) -> bool:
        return await shutdown(self, 0.0)

    bed.replace(Front, "shutdown", at_once)


@PATCH.bug
def stop_forgets_websockets(bed: Bed) -> None:
    """A balancer that stops tells the ends of its WebSockets nothing."""
    bed.replace(WebSockets, "drain", lambda self, seconds: None)
