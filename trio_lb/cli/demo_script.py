"""The demo's script: when which server dies and returns, and how its output reads.

Pure: instants are seconds since the curtain rose.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

CYCLE_SECONDS: Final = 60.0
"""Without an end, an outage begins every so often."""
SHORTEST_SECONDS: Final = 15.0
"""Below that a recovery would not show: two good checks need their time."""
REQUESTS_PER_SECOND: Final = 20

NAMES: Final = ("alder", "birch", "cedar")


@attrs.frozen(slots=True)
class Outage:
    """A server's absence. ``ends_at`` is when the play is over, None when it goes on."""

    victim: str
    dies_at: float
    returns_at: float
    ends_at: float | None


def outages(seconds: float | None) -> Iterator[Outage]:
    """Yield the outages of a play: one in thirds of ``seconds``, or one in each cycle for ever."""
    if seconds is not None:
        yield Outage(NAMES[1], seconds / 3, seconds * 2 / 3, seconds)
        return
    cycle = 0
    while True:
        start = cycle * CYCLE_SECONDS
        yield Outage(NAMES[(cycle + 1) % 3], start + 20.0, start + 35.0, None)
        cycle += 1


def report_period_seconds(seconds: float | None) -> float:
    """How often a row of counts is printed: six rows, or one each ten seconds."""
    return 10.0 if seconds is None else seconds / 6


def opening(front: str, servers: Mapping[str, str], outage: Outage) -> str:
    """Return what stands above everything: what to open, what runs, what will happen."""
    places = [f"{name}  {place}" for name, place in servers.items()]
    plan = [
        (outage.dies_at, f"{outage.victim} dies: its port closes, its connections are reset"),
        (outage.returns_at, f"{outage.victim} comes back"),
    ]
    last = ["           and so on, each minute another server, until Ctrl-C"]
    if outage.ends_at is not None:
        last = [f"{clock(outage.ends_at)}  the end (Ctrl-C ends it before)"]
    return "\n".join(
        [
            "trio-lb demo: three servers behind one load balancer, all on this machine",
            "",
            f"  open      {front}   (reload it: the servers take turns)",
            f"  behind it {places[0]}",
            *(f"            {place}" for place in places[1:]),
            "  switched on: health checks, ejection of outliers, retries within a budget",
            "",
            f"A client asks for {REQUESTS_PER_SECOND} pages a second. What will happen:",
            *(f"{clock(at)}  {what}" for at, what in plan),
            *last,
            "",
            "What happens (a row counts answers since the row before):",
        ]
    )


def clock(at: float) -> str:
    """Return an instant as the margin of a line."""
    return f"{max(at, 0.0):7.1f} s"


@attrs.define(slots=True)
class Tally:
    """Who answered how many requests, since the last row and in all."""

    names: Sequence[str] = NAMES
    answered: dict[str, int] = attrs.field(factory=dict)
    failed: int = 0
    saved: int = 0
    _row_answered: dict[str, int] = attrs.field(factory=dict)
    _row_failed: int = 0

    def count(self, name: str, attempts: int) -> None:
        """Count an answer; one that took more than one attempt was saved by a retry."""
        self.answered[name] = self.answered.get(name, 0) + 1
        self._row_answered[name] = self._row_answered.get(name, 0) + 1
        self.saved += attempts > 1

    def count_failure(self) -> None:
        """Count a request that its client got no good answer to."""
        self.failed += 1
        self._row_failed += 1

    def row(self) -> str:
        """Return the counts since the last row, and begin the next one."""
        cells = [f"{name} {self._row_answered.get(name, 0):4}" for name in self.names]
        text = f"answered:  {'   '.join(cells)}   failed {self._row_failed:3}"
        self._row_answered, self._row_failed = {}, 0
        return text

    def summary(self) -> str:
        """Return the last words: counts of the whole play."""
        total = sum(self.answered.values())
        width = max(len(str(total)), 5)
        return "\n".join(
            [
                "",
                f"  {'answered':<14}{total:>{width}}",
                *(f"    {name:<12}{self.answered.get(name, 0):>{width}}" for name in self.names),
                f"  {'failed':<14}{self.failed:>{width}}",
                f"  {'saved':<14}{self.saved:>{width}}   by a retry on another server",
            ]
        )
