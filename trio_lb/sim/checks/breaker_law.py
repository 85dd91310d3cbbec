"""The law of breakers, read off their news.

               OPEN              HALF_OPEN
    closed ----------> open --------------------> half open --CLOSE--> closed
                        ^ (not before its time)       |
                        '------------- OPEN ----------'

A person may close an open one and open any; a person's news say ``manual``.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.standing import CONFIG_UPDATED
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What

MANUAL: Final = "manual"
EPSILON_SECONDS: Final = 1e-6
"""Instants are told as floats and lengths as whole nanoseconds."""


class Phase(Enum):
    """What the news so far say of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


LEGAL: Final[Mapping[Phase, frozenset[What]]] = {
    Phase.CLOSED: frozenset((What.OPEN,)),
    Phase.OPEN: frozenset((What.HALF_OPEN,)),
    Phase.HALF_OPEN: frozenset((What.CLOSE, What.OPEN)),
}
BECOMES: Final[Mapping[What, Phase]] = {
    What.OPEN: Phase.OPEN,
    What.HALF_OPEN: Phase.HALF_OPEN,
    What.CLOSE: Phase.CLOSED,
}
BY_HAND: Final = frozenset(((Phase.OPEN, What.CLOSE), (Phase.OPEN, What.OPEN)))
"""Further ways that are a person's."""


@attrs.define(slots=True)
class _Known:
    phase: Phase | None = Phase.CLOSED
    """None: it may have changed without news, so whatever is told next is legal."""
    due_at: float | None = None
    """When an open one may half-open; None: never by itself."""


class BreakerLegal(Check):
    """Each breaker keeps to its automaton, and stays open for as long as it said.

    One that nobody holds open says when it will half-open.
    """

    name = "breaker_legal"

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, dict[tuple[str, str], _Known]] = {}
        self._rebirth = Rebirth(self._known.pop)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        moves = dict.fromkeys(BECOMES, self._moved)
        gone = dict.fromkeys((What.ADD, What.REMOVE), self._unknown)
        return {
            **moves,
            **gone,
            What.INJECT: self._rebirth.ears[What.INJECT],
            What.NEWS: self._news,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)

    def _moved(self, happening: Happening) -> None:
        server, pool = str(happening.values[0]), str(happening.values[1])
        known = self._known.setdefault(happening.entity, {}).setdefault((pool, server), _Known())
        self._judge(happening, known)
        known.phase = BECOMES[happening.what]
        known.due_at = _due_at(happening)

    def _judge(self, happening: Happening, known: _Known) -> None:
        if known.phase is None:
            return
        server, what = happening.values[0], happening.what
        is_manual = MANUAL in happening.values[2:3]
        if what not in LEGAL[known.phase]:
            if not (is_manual and (known.phase, what) in BY_HAND):
                self.object(
                    happening, f"{server}'s breaker went from {known.phase.value} to {what.value}"
                )
        elif what is What.HALF_OPEN:
            self._judge_time(happening, known.due_at)
        elif what is What.OPEN and not is_manual and _due_at(happening) is None:
            self.object(happening, f"{server}'s breaker opened for ever, and no person held it")

    def _judge_time(self, happening: Happening, due_at: float | None) -> None:
        server = happening.values[0]
        if due_at is None:
            self.object(happening, f"{server}'s breaker half-opened though a person holds it open")
        elif happening.at < due_at - EPSILON_SECONDS:
            self.object(
                happening,
                f"{server}'s breaker half-opened at {happening.at:.6f} s, due at {due_at:.6f} s",
            )

    def _unknown(self, happening: Happening) -> None:
        """A server that comes (back) has the breaker that it had, and nobody told which."""
        server, pool = str(happening.values[0]), str(happening.values[1])
        here = self._known.get(happening.entity, {})
        if (pool, server) in here:
            here[pool, server] = _Known(None)

    def _news(self, happening: Happening) -> None:
        self._rebirth.ears[What.NEWS](happening)
        if happening.values[0] == CONFIG_UPDATED:
            # A plan may take breakers away and give new ones, without news of each.
            here = self._known.get(happening.entity, {})
            here.update({key: _Known(None) for key in here})


def _due_at(happening: Happening) -> float | None:
    if happening.what is not What.OPEN or int(happening.values[3]) < 0:
        return None
    return happening.at + int(happening.values[3]) / 1e9
