"""Liveness: when all faults are healed, everything comes back, and soon.

... safety ... | liveness begins, all is healed | --- within --- | judged from here on
"""

from array import array
from collections.abc import Mapping

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.checks.slower import FEWEST, Slower
from trio_lb.sim.checks.standing import Standings
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What


class ComesBack(Check):
    """``within`` seconds after the last heal nobody is excluded, and service is as before.

    Requests that arrive later succeed to at least ``success``, and the p99 of each crowd of
    clients is at most ``slower`` times that of its requests which were done before the first
    fault; an excess that chance explains is none (``Slower``). A breaker that is half-open waits for traffic and is no complaint.
    """

    name = "comes_back"

    def __init__(
        self, within: float = 30.0, *, success: float = 0.999, slower: float = 1.2
    ) -> None:
        super().__init__()
        self.asked = (
            f"after {within:g} s {success:.1%} succeed, p99 at most {slower:g} times as before"
        )
        self._within = within
        self._success = success
        self._slower = slower
        self._standings = Standings()
        self._weather = Weather()
        self._judged_from: float | None = None
        self._are_standings_judged = False
        self._is_over = False
        self._before: dict[str, array[int]] = {}
        self._after: dict[str, array[int]] = {}
        self._good = 0
        self._failed: list[Happening] = []

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            **self._standings.ears,
            What.DONE: self._done,
            What.PHASE: self._phase,
            What.INJECT: self._injected,
            What.HEALED: self._healed,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)

    def _injected(self, happening: Happening) -> None:
        self._weather.injected(happening)
        self._standings.ears[What.INJECT](happening)

    def _healed(self, happening: Happening) -> None:
        self._weather.healed(happening)

    def _phase(self, happening: Happening) -> None:
        if happening.values[0] == "liveness":
            self._judged_from = happening.at + self._within
        elif self._judged_from is not None:
            self._judge_standings(happening.at)
            self._is_over = True

    def _done(self, happening: Happening) -> None:
        good, _, lasted_ns, _ = happening.values
        if self._judged_from is None:
            if good and self._weather.first_at is None:
                _note(self._before, happening)
            return
        self._judge_standings(happening.at)
        if happening.at - int(lasted_ns) / 1e9 < self._judged_from or self._is_over:
            return
        if good:
            self._good += 1
            _note(self._after, happening)
        else:
            self._failed.append(happening)

    def _judge_standings(self, now: float) -> None:
        """Once, at the first happening after the time was up."""
        judged_from = self._judged_from
        if self._are_standings_judged or judged_from is None or now < judged_from:
            return
        self._are_standings_judged = True
        for balancer, pool, server, standing in self._standings.all():
            against = standing.against(fails_open=False)
            if against is not None and not (standing.has_left or standing.is_draining):
                text = f"{server} of {pool}: {against}, {self._within:g} s after all was healed"
                self.object_at(now, text, entity=balancer)
        for balancer, pool in self._standings.failing_open:
            text = f"fail-open is in force in {pool}, {self._within:g} s after all was healed"
            self.object_at(now, text, entity=balancer)

    def finish(self, world: World) -> None:
        """Compare service with what it was."""
        done = self._good + len(self._failed)
        self.found = self._measured(done)
        if self._failed and self._good < self._success * done:
            share = self._good / done
            text = f"{share:.3%} of {done} succeed after all was healed, asked for is {self._success:.3%}"
            self.object(self._failed[0], f"{text}; this is the first failure")
        for name, slower in self._compared().items():
            if slower.is_slower:
                self.object_at(world.clock.current_time(), str(slower), entity=name)

    def _measured(self, done: int) -> str:
        share = f"{self._good / done:.2%}" if done else "nobody came"
        slower = self._compared().values()
        if not slower:
            return share
        # Whoever is slower beyond chance is the worst, whatever the figures of others say.
        worst = max(slower, key=lambda each: (each.is_slower, each.times))
        return f"{share}, {worst.found}"

    def _compared(self) -> dict[str, Slower]:
        """Compare each crowd that asked often enough with itself: none is like another."""
        return {
            name: Slower.of(before, after, self._slower)
            for name, before in self._before.items()
            if min(len(before), len(after := self._after.get(name, ()))) >= FEWEST
        }


def _note(lasted: dict[str, "array[int]"], done: Happening) -> None:
    lasted.setdefault(done.entity, array("q")).append(int(done.values[2]))
