"""Which server was in which state, and when: the lanes of the chart of states.

Only what is out of the ordinary is a span: a healthy server with a closed breaker has none.
Each balancer sees its servers in its own way, so a row is (balancer, pool, server).
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

import attrs

from trio_lb.sim.happening import Happening, What

MOST_SPANS: Final = 20_000
"""Spans that are kept in all; those of a breaker that flaps all day are counted, not kept."""


class Lane(Enum):
    """A row's lanes, from above; each is in one state at a time."""

    HEALTH = "health"
    BREAKER = "breaker"
    EJECTION = "ejection"
    DRAIN = "drain"


STATES: Final[dict[What, tuple[Lane, str]]] = {
    What.OPEN: (Lane.BREAKER, "open"),
    What.HALF_OPEN: (Lane.BREAKER, "half-open"),
    What.CLOSE: (Lane.BREAKER, ""),
    What.EJECT: (Lane.EJECTION, "ejected"),
    What.READMIT: (Lane.EJECTION, ""),
    What.DRAIN: (Lane.DRAIN, "draining"),
    What.DRAINED: (Lane.DRAIN, "drained"),
    What.RESUME: (Lane.DRAIN, ""),
    What.ADD: (Lane.DRAIN, ""),
    What.REMOVE: (Lane.DRAIN, "removed"),
}
"""Into which state of which lane a happening leads; "": back to the ordinary."""


@attrs.define(slots=True)
class Span:
    """A state from ``begin`` to ``end``, in seconds; ``end`` None: until the run was over."""

    lane: Lane
    state: str
    begin: float
    why: str = ""
    end: float | None = None


@attrs.define(slots=True)
class Row:
    """What one balancer thought of one server of a pool; ``server`` "" is the pool itself."""

    balancer: str
    pool: str
    server: str
    spans: list[Span] = attrs.field(factory=list)
    now: dict[Lane, Span] = attrs.field(factory=dict)


class Bands:
    """Hears what balancers say of servers' states, and keeps the spans."""

    def __init__(self, most_spans: int = MOST_SPANS) -> None:
        self.rows: dict[tuple[str, str, str], Row] = {}
        self.kept = 0
        self.dropped = 0
        """So many spans are missing, for there were more than ``most_spans``."""
        self._most = most_spans

    def ears(self) -> dict[What, Callable[[Happening], None]]:
        """Return who hears of what."""
        ears: dict[What, Callable[[Happening], None]] = {What.HEALTH: self.hear_health}
        ears |= dict.fromkeys(STATES, self.hear_state)
        return ears | dict.fromkeys((What.FAIL_OPEN, What.FAIL_CLOSED), self.hear_pool)

    def hear_state(self, happening: Happening) -> None:
        """A server entered a state, or is ordinary again."""
        lane, state = STATES[happening.what]
        server, pool, *more = happening.values
        why = str(more[0]) if more and isinstance(more[0], str) else ""
        self._enter(
            self._row(happening.entity, str(pool), str(server)), lane, state, happening.at, why
        )

    def hear_health(self, happening: Happening) -> None:
        """Probes changed their mind."""
        server, pool, healthy, reason = happening.values
        row = self._row(happening.entity, str(pool), str(server))
        self._enter(row, Lane.HEALTH, "" if healthy else "down", happening.at, str(reason))

    def hear_pool(self, happening: Happening) -> None:
        """A pool began, or ceased, to ignore health."""
        row = self._row(happening.entity, str(happening.values[0]), "")
        opened = happening.what is What.FAIL_OPEN
        why = str(happening.values[1]) if opened else ""
        self._enter(row, Lane.HEALTH, "fail-open" if opened else "", happening.at, why)

    def _row(self, balancer: str, pool: str, server: str) -> Row:
        key = (balancer, pool, server)
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = Row(*key)
        return row

    def _enter(self, row: Row, lane: Lane, state: str, at: float, why: str) -> None:
        """End what a lane shows, and begin the next; the same state again changes nothing."""
        now = row.now.get(lane)
        if now is not None:
            if now.state == state:
                return
            now.end = at
            del row.now[lane]
        if state:
            span = row.now[lane] = Span(lane, state, at, why)
            self._keep(row, span)

    def _keep(self, row: Row, span: Span) -> None:
        if self.kept < self._most:
            self.kept += 1
            row.spans.append(span)
        else:
            self.dropped += 1
