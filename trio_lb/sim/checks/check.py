"""What a check is: something that hears of happenings and objects when a law is broken.

    begin(world)   once, before anything happens
    ears           called for each happening that the check wants, at once, in order
    quiet(world)   once, when all clients have gone and balancers still stand
    finish(world)  once, when balancers have stopped too: nothing may be left

Laws are judged as early as they can be: a violation names the event that broke the law,
and so the place in the trace to look at; what the end shows is the last resort.
"""

from collections.abc import Callable, Mapping

from trio_lb.sim.checks.violation import MOST_KEPT, Reached, Verdict, Violation
from trio_lb.sim.checks.world import Nowhere, World
from trio_lb.sim.happening import Ear, Happening, What


class Check:
    """Root of all checks. A subclass gives ``name`` and ``ears``, and calls ``object``.

    One that measures a figure says in ``asked`` what it may be, and at the end in ``found`` what
    it was. It takes a run of ``takes_seconds``, and ``settle_seconds`` after it: a shorter one
    does not come to what it is about.
    ``on_first`` is called with the first violation, at once; ``objected_at`` is the instant of that
    call, which may be long after what the violation is about.
    """

    name: str = "check"
    takes_seconds: float = 0.0
    settle_seconds: float = 0.0

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.count = 0
        self.asked = ""
        self.found = ""
        self.world: World = Nowhere()
        self.objected_at: float | None = None
        self.on_first: Callable[[Violation], object] = lambda _: None

    def unreached(self, until: float, settle: float) -> Reached | None:
        """Return the point that a run of this length misses, if that is too short; else None."""
        if until < self.takes_seconds:
            return Reached(f"{self.name} (it takes a run of {self.takes_seconds:g} s)", None)
        if settle < self.settle_seconds:
            return Reached(f"{self.name} (it takes {self.settle_seconds:g} s to settle)", None)
        return None

    @property
    def ears(self) -> Mapping[What, Ear]:
        """What it wants to hear, and who of it listens."""
        return {}

    def begin(self, world: World) -> None:
        """Take the world, which is looked at from now on."""
        self.world = world

    def quiet(self, world: World) -> None:
        """Judge a world in which nobody wants anything any more."""

    def finish(self, world: World) -> None:
        """Judge what is left after everything has stopped."""

    def object(self, happening: Happening, text: str) -> None:
        """Say that this happening broke the law; ``text``: seen against allowed."""
        self._keep(
            Violation(
                happening.at, self.name, text, happening.req, happening.conn, happening.entity
            )
        )

    def object_at(self, at: float, text: str, *, entity: str = "", req: int = 0) -> None:
        """Say that the law is broken as things stand at ``at``."""
        self._keep(Violation(at, self.name, text, req, 0, entity))

    def _keep(self, violation: Violation) -> None:
        self.count += 1
        if len(self.violations) < MOST_KEPT:
            self.violations.append(violation)
        if self.count == 1:
            self.objected_at = max(violation.at, self.world.clock.current_time())
            self.on_first(violation)

    def verdict(self) -> Verdict:
        """Return what is to be said so far."""
        first = self.violations[0] if self.violations else None
        return Verdict(
            self.name, not self.count, self.count, first, self.asked, self.found, self.objected_at
        )
