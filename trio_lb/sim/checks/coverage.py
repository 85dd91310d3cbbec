"""Points of coverage: what a scenario must reach at least once, or its verdicts are vacuous.

A scenario on fail-open in which fail-open was never entered passes all checks, and proves
nothing. ``Sometimes`` never objects: it says when its point was first reached.
"""

from collections.abc import Callable, Mapping, Sequence

import attrs

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.violation import Reached
from trio_lb.sim.happening import Ear, Happening, What


class Sometimes(Check):
    """Reached by the first of ``whats`` for which ``when`` holds (None: for each).

    Without ``whats`` the point is one that the program under test names itself:
    ``What.SOMETIMES`` with ``name`` as its value.
    """

    def __init__(
        self, name: str, *whats: What, when: Callable[[Happening], bool] | None = None
    ) -> None:
        super().__init__()
        self.name = f"sometimes({name})"  # It stands in the same table as the laws.
        self.point = name
        self.reached = Reached(name, None)
        self._whats = whats or (What.SOMETIMES,)
        self._when = when if when is not None or whats else self._is_named

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return dict.fromkeys(self._whats, self._heard)

    def _heard(self, happening: Happening) -> None:
        if self.reached.at is None and (self._when is None or self._when(happening)):
            self.reached = Reached(self.point, happening.at, happening.what)

    def _is_named(self, happening: Happening) -> bool:
        return happening.values[:1] == (self.point,)


@attrs.frozen
class Coverage:
    """The points of many runs together: each with the first instant in any of them."""

    reached: Mapping[str, float | None]

    @classmethod
    def of(cls, runs: Sequence[Sequence[Reached]]) -> "Coverage":
        """Join what the runs reached; the order is that of the first mention."""
        joined: dict[str, float | None] = {}
        for points in runs:
            for point in points:
                before = joined.setdefault(point.name, point.at)
                if before is None:
                    joined[point.name] = point.at
        return cls(joined)

    @property
    def missed(self) -> list[str]:
        """Points that no run reached."""
        return [name for name, at in self.reached.items() if at is None]

    def __str__(self) -> str:
        if not self.missed:
            return f"all {len(self.reached)} points were reached"
        return f"vacuous: never reached {', '.join(self.missed)}"
