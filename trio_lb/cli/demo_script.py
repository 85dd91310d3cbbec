"""The demo's script: when which server is in which trouble, and what is told before.

Pure: instants are seconds since the curtain rose.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

import attrs

CYCLE_SECONDS: Final = 60.0
"""All four acts take so long. A shorter play is the same one, faster."""
SHORTEST_SECONDS: Final = 15.0
"""Below that the acts would run into each other: five failures need their time."""
ROWS_A_CYCLE: Final = 12
REQUESTS_PER_SECOND: Final = 30

NAMES: Final = ("alder", "birch", "cedar")


class Deed(enum.Enum):
    """What is done to a server; the value is what is said of it."""

    ILL = "falls ill: it hangs up on requests, but its health page says 200"
    CURED = "is cured"
    DIES = "dies: its port closes, its connections are reset"
    RETURNS = "comes back"
    FALTERS = "falters: it hangs up on three requests of four"
    STEADY = "is steady again"
    LEAVES = "is to be repaired: it gets nothing new and finishes what it has"
    REPAIRED = "is repaired"


WATCH: Final[Mapping[Deed, str]] = {
    Deed.ILL: "its circuit breaker opens; two trials in vain, and each time it opens for longer",
    Deed.CURED: "the next trials go well: its breaker closes, its share grows slowly",
    Deed.DIES: "health checks take it out",
    Deed.RETURNS: "two good checks put it back",
    Deed.FALTERS: "checks and breaker see nothing, but the others do better: it is ejected",
}
"""What is worth watching then, as the plan says it."""

_ACTS: Final = (
    (2.0, Deed.ILL, 1),
    (14.0, Deed.CURED, 1),
    (24.0, Deed.DIES, 2),
    (34.0, Deed.RETURNS, 2),
    (40.0, Deed.FALTERS, 0),
    (46.0, Deed.STEADY, 0),
    (52.0, Deed.LEAVES, 1),
    (56.0, Deed.REPAIRED, 1),
)
"""Instant, deed and server of a cycle; in the next cycle it is the next server's turn."""


@attrs.frozen(slots=True)
class Cue:
    """A deed, to a server, at an instant."""

    at: float
    deed: Deed
    server: str


@attrs.frozen(slots=True)
class Play:
    """A play's times. ``pace`` stretches all that the demo decides: 1.0 is 60 s a cycle.

    ``seconds`` is its length, None without an end; ``cycles`` then is None, too.
    """

    seconds: float | None
    cycles: int | None
    pace: float

    @classmethod
    def of(cls, seconds: float | None) -> "Play":
        """Fit whole cycles into ``seconds``, each as near to CYCLE_SECONDS as can be."""
        if seconds is None:
            return cls(None, None, 1.0)
        cycles = max(1, int(seconds // CYCLE_SECONDS))
        return cls(seconds, cycles, seconds / cycles / CYCLE_SECONDS)

    @property
    def row_seconds(self) -> float:
        """How often a row of counts is printed."""
        return CYCLE_SECONDS * self.pace / ROWS_A_CYCLE

    def cues(self) -> Iterator[Cue]:
        """Yield what happens, in order; for ever when the play has no end."""
        for cycle in count() if self.cycles is None else range(self.cycles):
            for at, deed, who in _ACTS:
                instant = (cycle * CYCLE_SECONDS + at) * self.pace
                yield Cue(instant, deed, NAMES[(who + cycle) % len(NAMES)])

    def first_cues(self) -> list[Cue]:
        """Return the first cycle's."""
        return [cue for _, cue in zip(_ACTS, self.cues(), strict=False)]


def settings(play: Play) -> dict[str, Any]:
    """Return the pool's settings: all protections on, as quick as the play is.

    Each of them shows in an act of its own: five failures in a row open the breaker
    before an ejection would, and checks find a dead server before it has failed five.
    """
    return {
        "health_check": {"path": "/health", "interval": 1, "timeout": 0.5, "fast_interval": 0.1},
        "circuit_breaker": {
            "failure_threshold": 5,
            "timeout": 2 * play.pace,
            "backoff": 2,
            "jitter": 0.2,
        },
        "outlier_detection": {
            "consecutive_failures": 20,
            "min_requests": 6,
            "base_ejection_time": 6 * play.pace,
        },
        "slow_start": 4 * play.pace,
        "retry": {"max_retries": 2},
    }


def opening(fronts: Iterable[str], servers: Mapping[str, str], play: Play) -> str:
    """Return what stands above everything: what to open, what runs, what will happen."""
    places = [f"{name}  {place}" for name, place in servers.items()]
    return "\n".join(
        [
            "trio-lb demo: three servers behind one load balancer, all on this machine",
            "",
            *labelled("open", fronts),
            *labelled("behind it", places),
            "  switched on: health checks, circuit breakers, ejection of outliers, slow start,",
            "               retries within a budget",
            "",
            f"A client asks for {REQUESTS_PER_SECOND} pages a second. What will happen:",
            *_plan(play),
            "",
            "What happens (a row counts answers since the row before):",
        ]
    )


def labelled(label: str, lines: Iterable[str]) -> list[str]:
    """Return lines in a column, the first one with its label."""
    return [f"  {'' if number else label:<10}{line}" for number, line in enumerate(lines)]


def _plan(play: Play) -> Sequence[str]:
    margin = " " * len(clock(0.0))
    lines: list[str] = []
    for cue in play.first_cues():
        lines.append(f"{clock(cue.at)}  {cue.server} {cue.deed.value}")
        if cue.deed in WATCH:
            lines.append(f"{margin}    ({WATCH[cue.deed]})")
    if play.cycles != 1:
        lines.append(f"{margin}  and again, with other servers")
    if play.seconds is None:
        return [*lines, f"{margin}  until Ctrl-C"]
    return [*lines, f"{clock(play.seconds)}  the end (Ctrl-C ends it before)"]


def clock(at: float) -> str:
    """Return an instant as the margin of a line."""
    return f"{max(at, 0.0):7.1f} s"
