"""What a report knows of a run beside its happenings: plain values that whoever ran it fills in."""

from collections.abc import Mapping

import attrs

from trio_lb.sim.faults.record import Fault


@attrs.frozen(slots=True)
class Verdict:
    """What a check has to say in the end.

    ``first`` is the first violation in words; ``at`` its instant in seconds and ``req`` the
    request it was about, 0 for none. A page leads from a verdict to both.
    """

    name: str
    ok: bool
    violations: int = 0
    first: str = ""
    at: float | None = None
    req: int = 0


@attrs.frozen(slots=True)
class CoveragePoint:
    """Something that should happen in some run, and when it did; ``at`` None: never.

    A scenario that misses its points has tested less than it says, so reports are loud about it.
    """

    name: str
    at: float | None = None


@attrs.frozen(slots=True)
class RunFacts:
    """Who a run was, what was planned, and what was found out.

    ``until`` and ``settle`` are seconds of virtual time: with faults, and after them.
    ``weights`` is each server's fair share of the load, on any scale; servers that it leaves
    out count 1. ``pools`` has one number for all who share a load; servers that it leaves out
    share theirs. ``command`` replays the run. ``judged`` is False where nobody knows which checks
    there were, and what was to be reached: all is from a stored trace. ``late`` says which faults
    begin after the end, ``vain`` why nothing could go wrong.
    """

    name: str
    seed: int
    until: float
    settle: float = 0.0
    schedule: str = "fifo"
    faults: tuple[Fault, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    coverage: tuple[CoveragePoint, ...] = ()
    weights: Mapping[str, float] = attrs.field(factory=dict)
    versions: Mapping[str, str] = attrs.field(factory=dict)
    trace_hash: str = ""
    command: str = ""
    judged: bool = True
    late: str = ""
    vain: tuple[str, ...] = ()
    pools: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def ok(self) -> bool:
        """Did every check hold?"""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def missed(self) -> tuple[str, ...]:
        """Which points of coverage were never reached: the run is vacuous there."""
        return tuple(point.name for point in self.coverage if point.at is None)
