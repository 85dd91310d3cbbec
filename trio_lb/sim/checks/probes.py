"""Probes: they stop when nobody wants to know any more."""

from collections.abc import Mapping
from typing import Final

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What

CLOSED: Final = "listener_closed"
"""The news with which a balancer begins to stop."""


class ProbesStop(Check):
    """No server is probed once it has left all pools, or once all balancers have stopped.

    What counts is when the probe was sent, with ``grace_seconds`` for one that was about to be.
    When it arrives is nobody's fault: a server that accepts late finds it among those who wait, and
    on a lossy link its bytes may come long after who sent them has lost patience.
    """

    name = "probes_stop"

    def __init__(self, grace_seconds: float = 1.0) -> None:
        super().__init__()
        self._grace_seconds = grace_seconds
        self._left: dict[str, dict[tuple[str, str], float]] = {}
        self._homes: dict[str, dict[tuple[str, str], None]] = {}
        self._stopped: dict[str, float] = {}
        self._is_end = False
        self._rebirth = Rebirth(self._forget)

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            What.ADD: self._added,
            What.HEALTH: self._is_member,
            What.REMOVE: self._removed,
            What.PHASE: self._phase,
            What.INJECT: self._rebirth.ears[What.INJECT],
            What.NEWS: self._news,
            What.PROBE: self._probed,
        }

    def _is_member(self, happening: Happening) -> None:
        home = (happening.entity, str(happening.values[1]))
        self._homes.setdefault(str(happening.values[0]), {})[home] = None

    def _added(self, happening: Happening) -> None:
        self._is_member(happening)
        self._left.pop(str(happening.values[0]), None)

    def _removed(self, happening: Happening) -> None:
        actor = str(happening.values[0])
        home = (happening.entity, str(happening.values[1]))
        self._left.setdefault(actor, {})[home] = happening.at

    def _phase(self, happening: Happening) -> None:
        self._is_end = happening.values[0] == "end"

    def _forget(self, balancer: str, _: None) -> None:
        """It reads its configuration anew: whom it had removed may be there again."""
        for left in self._left.values():
            for home in [home for home in left if home[0] == balancer]:
                del left[home]
        for homes in self._homes.values():
            for home in [home for home in homes if home[0] == balancer]:
                del homes[home]

    def _news(self, happening: Happening) -> None:
        self._rebirth.ears[What.NEWS](happening)
        # Before the end a balancer that dies will live again, and ask again.
        if self._is_end and happening.values[0] == CLOSED:
            self._stopped[happening.entity] = happening.at

    def _probed(self, happening: Happening) -> None:
        ended_at = self._nobody_since(happening.entity)
        if ended_at is None or happening.at <= ended_at + self._grace_seconds:
            return
        if self._sent_at(happening) > ended_at + self._grace_seconds:
            self.object(
                happening, f"it is probed, though nobody has it in a pool since {ended_at:.6f} s"
            )

    def _sent_at(self, happening: Happening) -> float:
        """Return when the probe left; of one whose connection is unknown, when it was answered."""
        asked = self.world.net.stream(happening.conn)
        return happening.at if asked is None else asked.incoming.sent_at

    def _nobody_since(self, actor: str) -> float | None:
        """Return when the last home was given up; None while there is one, or none is known."""
        left = self._left.get(actor, {})
        ends = []
        for home in self._homes.get(actor, {}) | dict.fromkeys(left):
            ended_at = left[home] if home in left else self._stopped_at(home[0])
            if ended_at is None:
                return None
            ends.append(ended_at)
        return max(ends, default=None)

    def _stopped_at(self, balancer: str) -> float | None:
        """Return when it was over; as long as it drains it has to know how its servers are."""
        seen = self.world.balancers.get(balancer)
        if seen is None or balancer not in self._stopped:
            return self._stopped.get(balancer)
        return seen.ended_at if seen.lb is None else None
