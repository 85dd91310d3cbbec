"""Trials: how many requests a half-open breaker lets through at a time, and that it does."""

from collections.abc import Mapping
from typing import Final

from trio_lb.proxy.waiting import PERMIT_SECONDS
from trio_lb.sim.checks.attempts import Attempts
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.standing import Standing, Standings
from trio_lb.sim.checks.world import World, pool_config
from trio_lb.sim.happening import Ear, Happening, What

Key = tuple[str, str]

FREE: Final = ("round_robin", "weighted_round_robin", "random", "power_of_two", "least_connections")
"""Algorithms that come to everybody in the end."""


class TrialsBounded(Check):
    """At most ``max_half_open`` requests (None: as configured) try a half-open server at once.

    A trial is over for this check when the server has handed over its answer, or accepted a
    WebSocket (which may last for hours), or the balancer has judged the attempt, whichever is
    told first; and it counts for a second at the most, since a client that keeps the server
    waiting for so long has no permit any more. So it never counts too many.
    """

    name = "trials_bounded"

    def __init__(self, max_half_open: int | None = None) -> None:
        super().__init__()
        self._most = max_half_open
        self._trials: dict[str, dict[Key, dict[int, float]]] = {}
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
            What.SWITCH: self._replied,
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
        trials[happening.req] = happening.at
        most = self._most
        if most is None:
            pool = str(happening.values[1])
            most = pool_config(self.world, happening.entity, pool).circuit_breaker.max_half_open
        count = sum(happening.at - at < PERMIT_SECONDS for at in trials.values())
        if count > most:
            server = happening.values[0]
            self.object(happening, f"{count} trials at once at {server}; max_half_open is {most}")

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


class TrialsGoOn(Check):
    """A half-open server gets trials for as long as its pool has requests.

    While ``picks`` requests for each server of the pool pass it by, somebody must have been
    sent there, or be there still: else its permits are lost. It looks at pools that choose freely: by hash, or
    by rank, a server may rightly wait for ever.
    """

    name = "trials_go_on"

    def __init__(self, picks: int = 100) -> None:
        super().__init__()
        self._picks = picks
        self._standings = Standings()
        self._attempts = Attempts()
        self._passed: dict[tuple[str, Key], int] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ears: dict[What, Ear] = {**self._attempts.ears, **self._standings.ears}
        for what in [each for each in self._attempts.ears if each in self._standings.ears]:
            ears[what] = _both(self._attempts.ears[what], self._standings.ears[what])
        return {**ears, What.HALF_OPEN: self._half_opened, What.SELECT: self._selected}

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)
        self._attempts.begin(world)

    def _half_opened(self, happening: Happening) -> None:
        self._standings.ears[What.HALF_OPEN](happening)
        self._passed[happening.entity, _key(happening)] = 0

    def _selected(self, happening: Happening) -> None:
        self._attempts.begun(happening)
        if not self._passed:
            return
        balancer, (pool, picked) = happening.entity, _key(happening)
        members = self._standings.pool(balancer, pool)
        for name in [name for owner, (of, name) in self._passed if (owner, of) == (balancer, pool)]:
            key = (balancer, (pool, name))
            each = members.get(name)
            if each is None or not each.is_half_open:
                del self._passed[key]
            elif name == picked or not _waits(each) or self._attempts.count(balancer, pool, name):
                self._passed[key] = 0
            else:
                self._passed[key] += 1
                self._judge(happening, name, self._passed[key], max(len(members), 2))

    def _judge(self, happening: Happening, name: str, passed: int, members: int) -> None:
        pool = str(happening.values[1])
        if passed == self._picks * members and self._is_free(happening.entity, pool):
            self.object(happening, f"{name} is half-open, and {passed} requests passed it by")

    def _is_free(self, balancer: str, pool: str) -> bool:
        config = pool_config(self.world, balancer, pool)
        ranks = {(each.priority, each.backup) for each in config.servers}
        return config.algorithm in FREE and len(ranks) < 2


def _both(one: Ear, other: Ear) -> Ear:
    def hear(happening: Happening) -> None:
        one(happening)
        other(happening)

    return hear


def _waits(standing: Standing) -> bool:
    """Whether nothing but its breaker speaks against it, which is half-open."""
    is_out = standing.is_bad or standing.is_open or standing.is_draining or standing.has_left
    return standing.is_half_open and not is_out and standing.ejected_until is None


def _key(happening: Happening) -> Key:
    return str(happening.values[1]), str(happening.values[0])
