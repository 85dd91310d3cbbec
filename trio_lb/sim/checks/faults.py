"""Which faults are in force, by the happenings: many laws hold only in fair weather."""

from collections.abc import Collection, Mapping
from typing import Final

from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.shape import Lasts
from trio_lb.sim.happening import Ear, Happening, What

NEVER: Final = float("-inf")


class Weather:
    """The faults of a run, as they come and go; of ``kinds`` only, if some are named.

    A fault that only happens (a reset) is over at once; ``calm_since`` knows it all the same.
    """

    __slots__ = ("_in_force", "_kinds", "calm_since", "first_at")

    def __init__(self, kinds: Collection[str] = ()) -> None:
        self._kinds = frozenset(kinds)
        self._in_force: dict[object, str] = {}
        self.calm_since = NEVER
        """When the last fault began or ended; it means calm only if none is in force."""
        self.first_at: float | None = None

    @property
    def ears(self) -> Mapping[What, Ear]:
        """For the check that has it."""
        return {What.INJECT: self.injected, What.HEALED: self.healed}

    def injected(self, happening: Happening) -> None:
        """A fault begins."""
        kind = str(happening.values[0])
        if self._kinds and kind not in self._kinds:
            return
        if self.first_at is None:
            self.first_at = happening.at
        self.calm_since = happening.at
        known = KINDS.get(kind)
        if known is None or known.lasts is not Lasts.INSTANT:
            self._in_force[happening.values[1]] = kind

    def healed(self, happening: Happening) -> None:
        """A fault ends."""
        if self._in_force.pop(happening.values[1], None) is not None:
            self.calm_since = happening.at

    @property
    def is_calm(self) -> bool:
        """Whether no fault is in force."""
        return not self._in_force

    def was_calm(self, since: float) -> bool:
        """Whether nothing was wrong from ``since`` until now."""
        return not self._in_force and self.calm_since < since
