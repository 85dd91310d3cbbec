"""What scenarios measure while their fault lasts: where requests went, and how long they took.

... before ... | fault begins | -- after_seconds -- | ... during ... | healed | ...
"""

from array import array
from collections.abc import Mapping
from enum import Enum, auto

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.slower import Slower
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What


class Time(Enum):
    """Where in the story an instant is."""

    BEFORE = auto()
    """No fault has begun."""
    SETTLING = auto()
    """A fault began less than ``after_seconds`` ago."""
    DURING = auto()
    """A fault is there, for longer than that."""
    AFTER = auto()
    """All is healed."""


class Story:
    """Tells where in the story an instant is: for stories with one fault, or some at one time."""

    def __init__(self, after_seconds: float) -> None:
        self._after = after_seconds
        self._began: float | None = None
        self._healed: float | None = None

    @property
    def ears(self) -> Mapping[What, Ear]:
        """What it must hear."""
        return {What.INJECT: self._injected, What.HEALED: self._ended}

    @property
    def began(self) -> float | None:
        """When the first fault began."""
        return self._began

    def _injected(self, happening: Happening) -> None:
        if self._began is None:
            self._began = happening.at

    def _ended(self, happening: Happening) -> None:
        self._healed = happening.at

    def at(self, instant: float) -> Time:
        """Return where an instant is; instants that are asked for never lie in the future."""
        if self._began is None or instant < self._began:
            return Time.BEFORE
        if self._healed is not None and instant >= self._healed:
            return Time.AFTER
        return Time.SETTLING if instant < self._began + self._after else Time.DURING


class ShareDuring(Check):
    """So long after a fault began, and while it lasts, a server gets less than such a share.

    What counts are picks of balancers. A run in which it is never judged is an offence, too.
    """

    name = "share_during"

    def __init__(self, server: str, most: float, *, after_seconds: float) -> None:
        super().__init__()
        self.asked = f"from {after_seconds:g} s on less than {most:.0%} of the picks"
        self._server = server
        self._most = most
        self._story = Story(after_seconds)
        self._picks = self._hits = 0

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.SELECT: self._selected, **self._story.ears}

    def _selected(self, happening: Happening) -> None:
        if self._story.at(happening.at) is Time.DURING:
            self._picks += 1
            self._hits += happening.values[0] == self._server

    def finish(self, world: World) -> None:
        """Judge the share."""
        share = self._hits / self._picks if self._picks else 1.0
        self.found = f"{share:.2%}"
        if share >= self._most:
            text = (
                f"{self._hits} of {self._picks} picks went to {self._server}; asked is {self.asked}"
            )
            self.object_at(world.clock.current_time(), text, entity=self._server)


class SlowerDuring(Check):
    """So long after a fault began, and while it lasts, p99 is at most so many times that before.

    Only successes count, by the instant at which they were wanted; what chance explains does not.
    """

    name = "slower_during"

    def __init__(self, most: float, *, after_seconds: float) -> None:
        super().__init__()
        self.asked = f"from {after_seconds:g} s on p99 at most {most:g} times as before"
        self._most = most
        self._story = Story(after_seconds)
        self._lasted = {time: array("q") for time in Time}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.DONE: self._done, **self._story.ears}

    def _done(self, happening: Happening) -> None:
        good, _, ns, _ = happening.values
        if good:
            self._lasted[self._story.at(happening.at - int(ns) / 1e9)].append(int(ns))

    def finish(self, world: World) -> None:
        """Compare."""
        before, during = self._lasted[Time.BEFORE], self._lasted[Time.DURING]
        slower = Slower.of(before, during, self._most) if before and during else None
        self.found = "nothing to compare" if slower is None else slower.found
        if slower is None or slower.is_slower:
            text = self.found if slower is None else str(slower)
            self.object_at(world.clock.current_time(), text)
