"""Trials: how many requests a half-open breaker lets through at a time."""

from collections.abc import Mapping

from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.world import World, pool_config
from trio_lb.sim.happening import Ear, Happening, What

Key = tuple[str, str]


class TrialsBounded(Check):
    """At most ``max_half_open`` requests (None: as configured) try a half-open server at once.

    A trial is over for this check when the server has handed over its answer, or the
    balancer has judged the attempt, whichever is told first: it never counts too many.
    """

    name = "trials_bounded"

    def __init__(self, max_half_open: int | None = None) -> None:
        super().__init__()
        self._most = max_half_open
        self._trials: dict[str, dict[Key, dict[int, None]]] = {}
        self._rebirth = Rebirth(self._trials.pop)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ends = dict.fromkeys((What.RETRY, What.COMPLETE, What.ERROR), self._judged)
        moves = dict.fromkeys((What.OPEN, What.CLOSE, What.REMOVE), self._over)
        return {
            What.HALF_OPEN: self._half_opened,
            What.SELECT: self._selected,
            What.REPLY: self._replied,
            **ends,
            **moves,
            **self._rebirth.ears,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)

    def _half_opened(self, happening: Happening) -> None:
        self._trials.setdefault(happening.entity, {})[_key(happening)] = {}

    def _over(self, happening: Happening) -> None:
        here = self._trials.get(happening.entity)
        if here:
            here.pop(_key(happening), None)

    def _selected(self, happening: Happening) -> None:
        here = self._trials.get(happening.entity)
        if not here or not happening.req:
            return
        trials = here.get(_key(happening))
        if trials is None:
            return
        trials[happening.req] = None
        most = self._most
        if most is None:
            pool = str(happening.values[1])
            most = pool_config(self.world, happening.entity, pool).circuit_breaker.max_half_open
        if len(trials) > most:
            server = happening.values[0]
            self.object(
                happening, f"{len(trials)} trials at once at {server}; max_half_open is {most}"
            )

    def _judged(self, happening: Happening) -> None:
        here = self._trials.get(happening.entity)
        if here:
            for trials in here.values():
                trials.pop(happening.req, None)

    def _replied(self, happening: Happening) -> None:
        for here in self._trials.values():
            for (_, server), trials in here.items():
                if server == happening.entity:
                    trials.pop(happening.req, None)


def _key(happening: Happening) -> Key:
    return str(happening.values[1]), str(happening.values[0])
