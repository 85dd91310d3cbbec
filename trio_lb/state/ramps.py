"""Ramps: slow start for the servers of one pool, in the shares that algorithms see.

A ramp begins whenever a server comes into service, from wherever: a first good check, a
recovery, a readmission, the closing of its breaker, the end of a drain. Two returns are
none: fail-open puts back who was good until just now, and a trial is not yet service.

While slow start is off nothing is remembered here, and every share is whole.
"""

from collections.abc import Iterable, Mapping

from trio_lb.policy.slow_start import SlowStart
from trio_lb.state.rotation import Rotation
from trio_lb.state.server import Server, ServerState


class Ramps:
    """Writes ``Server.ramp``; a new share makes new tuples in the rotation."""

    __slots__ = ("_rotation", "_serving", "_slow_start")

    def __init__(self, seconds: float, rotation: Rotation) -> None:
        self._slow_start = SlowStart(seconds)
        self._rotation = rotation
        # Who is in service, by id, as far as it has been noted.
        self._serving: dict[str, Server] = {}

    @property
    def deadline(self) -> float | None:
        """When the next step of any ramp is due."""
        return self._slow_start.deadline

    @property
    def is_on(self) -> bool:
        """Whether returning servers start slowly."""
        return self._slow_start.seconds > 0

    def on_deadline(self, now: float) -> None:
        """Take the steps that are due."""
        self._slow_start.on_deadline(now)
        for server_id in self._slow_start.changed:
            self._share(self._serving[server_id])

    def note(self, server: Server, now: float) -> None:
        """Hear whether a member is in service now. It may have been noted so before.

        A server that was never checked is not out of order: it may still be warm.
        """
        if server.is_in_service:
            if server.id not in self._serving:
                self._serving[server.id] = server
                if not server.is_held:
                    self._slow_start.begin(server.id, now)
        elif server.id in self._serving or server.state is not ServerState.UNKNOWN:
            self.forget(server)
        self._share(server)

    def forget(self, server: Server) -> None:
        """Hear that a server is out of service, or gone."""
        self._serving.pop(server.id, None)
        self._slow_start.forget(server.id)
        self._share(server)

    def rename(self, renamed: Mapping[str, str]) -> None:
        """Let what is known of servers by id follow them: old id to new id."""
        known = self._slow_start.snapshot()["servers"]
        for server_id in renamed:
            self._slow_start.forget(server_id)
        kept = {new: known[old] for old, new in renamed.items() if old in known}
        self._slow_start.restore({"servers": kept})
        self._serving = {renamed.get(i, i): server for i, server in self._serving.items()}

    def take(self, seconds: float, members: Iterable[Server], now: float) -> None:
        """Let ramps last ``seconds`` from now on; who serves already has no need of one."""
        if seconds == self._slow_start.seconds:
            return
        if not self.is_on:
            self._serving = {server.id: server for server in members if server.is_in_service}
        self._slow_start.configure(seconds, now)
        for server in self._serving.values():
            self._share(server)
        if not self.is_on:
            self._serving.clear()

    def presume_warm(self, members: Iterable[Server]) -> None:
        """Let these begin without a ramp, unless they are found bad first."""
        self._slow_start.presume_warm(server.id for server in members)

    def _share(self, server: Server) -> None:
        ramp = self._slow_start.ramp_of(server.id)
        if server.ramp != ramp:
            server.ramp = ramp
            self._rotation.renew()
