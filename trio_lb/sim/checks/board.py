"""The board of checks of one run: it brings them what they want, and collects their verdicts.

A check must not change the world, not even by crashing in it: what it raises is kept, it
hears nothing more, and ``on_crash`` lets the simulation end the run. ``finish`` raises it.
"""

import math
from collections.abc import Callable, Sequence

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.coverage import Sometimes
from trio_lb.sim.checks.plain import Judge, as_check
from trio_lb.sim.checks.violation import CheckCrashed, Reached, Verdict, Violation
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What, Wire


class Board:
    """All checks of a run, connected to its wire for as long as it lasts.

    ``crashed`` is the first crash of a check, or None. A run of ``until`` and ``settle`` seconds may be
    too short for some checks: these are not heard, for they would judge a story without its end.
    """

    def __init__(
        self, given: Sequence[Check | Judge], until: float = math.inf, settle: float = math.inf
    ) -> None:
        every = [as_check(each) for each in given]
        missed = [check.unreached(until, settle) for check in every]
        self.checks = [check for check, point in zip(every, missed, strict=True) if point is None]
        self._beyond = [point for point in missed if point is not None]
        self.crashed: CheckCrashed | None = None
        self._is_over = False
        self.on_crash: Callable[[CheckCrashed], object] = _ignore

    def begin(self, world: World, wire: Wire) -> None:
        """Let all checks hear from now on."""
        wanted: dict[What, list[tuple[Check, Ear]]] = {}
        for check in self.checks:
            self._guarded(check, check.begin, world)
            for what, ear in check.ears.items():
                wanted.setdefault(what, []).append((check, ear))
        for what, pairs in wanted.items():
            wire.hear(self._guard(pairs), what)

    def quiet(self, world: World) -> None:
        """All clients have gone, balancers still stand."""
        for check in self.checks:
            self._guarded(check, check.quiet, world)

    def end(self) -> None:
        """Hear and judge nothing more: what comes now is no part of the run."""
        self._is_over = True

    def finish(self, world: World) -> list[Verdict]:
        """Everything has stopped: return the verdicts, in the order of the checks.

        Raises:
          CheckCrashed: one of them did, now or before.
        """
        for check in self.checks:
            self._guarded(check, check.finish, world)
        if self.crashed is not None:
            raise self.crashed
        return self.verdicts

    @property
    def verdicts(self) -> list[Verdict]:
        """What is to be said so far."""
        return [check.verdict() for check in self.checks]

    @property
    def first(self) -> Violation | None:
        """The violation that came first of all, so far."""
        each = [check.violations[0] for check in self.checks if check.violations]
        return min(each, key=lambda violation: violation.at, default=None)

    @property
    def coverage(self) -> list[Reached]:
        """All points that were asked for, reached or not; and checks for which the run was too short."""
        points = (check for check in self.checks if isinstance(check, Sometimes))
        return [*(point.reached for point in points), *self._beyond]

    @property
    def is_vacuous(self) -> bool:
        """Whether some point was never reached: then the other verdicts prove too little."""
        return any(point.at is None for point in self.coverage)

    def _guard(self, pairs: Sequence[tuple[Check, Ear]]) -> Ear:
        """Return one ear for all who want the same: what guards them is then paid for once."""
        ears = [ear for _, ear in pairs]

        def guarded(happening: Happening) -> None:
            if self._is_over:
                return
            ear: Ear = _ignore
            try:
                for ear in ears:
                    ear(happening)
            except Exception as error:
                check = next(check for check, each in pairs if each is ear)
                self._crash(CheckCrashed(check.name, happening, error), error)

        return guarded

    def _guarded(self, check: Check, judge: Callable[[World], object], world: World) -> None:
        if not self._is_over:
            try:
                judge(world)
            except Exception as error:
                self._crash(CheckCrashed(check.name, None, error), error)

    def _crash(self, crash: CheckCrashed, cause: Exception) -> None:
        crash.__cause__ = cause
        self.crashed = crash
        self.end()
        self.on_crash(crash)


def _ignore(_: object) -> None:
    """Nobody ends the run; the crash is raised at its end."""
