"""Fairness: whoever may serve serves its share."""

from collections.abc import Mapping
from typing import Final

import attrs

from trio_lb.config.schema import PoolConfig, ServerConfig
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.standing import Standings
from trio_lb.sim.checks.world import World, name_of, pool_config
from trio_lb.sim.due import first_tier, weight_of
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.jain import jain_index

FEWEST_A_SERVER = 50
"""Fewer picks a server are not judged: chance alone makes them differ."""
FEWEST_EXPECTED: Final = {
    "round_robin": 5,
    "weighted_round_robin": 5,
    "random": FEWEST_A_SERVER,
    "weighted_random": FEWEST_A_SERVER,
}
"""Algorithms that give out picks by weight, and how many the lightest server must expect.

Those that take turns are judged sooner than those that draw. All others have another purpose:
hashes and code of the user's own go by the request, the load-aware ones by who is free or fast.
"""
MOST_RETRIES: Final = 0.1
"""Of more second attempts a share is not judged: they go to whoever did not fail the first."""
RETURNS: Final = (What.HEALTH, What.READMIT, What.CLOSE, What.ADD, What.RESUME)
"""News after which a server may be coming to its share slowly."""


@attrs.define
class _Period:
    """A time in which a pool's servers are the same, and how often each was picked."""

    config: PoolConfig
    tier: Mapping[str, ServerConfig]
    """Those who serve while nothing is wrong, by the names that happenings use."""
    picks: dict[str, int] = attrs.field(factory=dict)
    retries: int = 0
    was_full: bool = False
    """Whether anybody had all the connections that it may have: others had to take its share."""

    @property
    def expected(self) -> dict[str, float]:
        """How many of the picks each server should have."""
        weights = {name: weight_of(each, self.config) for name, each in self.tier.items()}
        all_weights, all_picks = sum(weights.values()), sum(self.picks.values())
        return {name: all_picks * weight / all_weights for name, weight in weights.items()}

    @property
    def is_telling(self) -> bool:
        """Whether unequal shares would prove anything."""
        expected, picks = self.expected, sum(self.picks.values())
        if len(expected) < 2 or self.was_full or picks < FEWEST_A_SERVER * len(expected):
            return False
        least = FEWEST_EXPECTED[str(self.config.algorithm)]
        return min(expected.values()) >= least and self.retries <= MOST_RETRIES * picks


class Fair(Check):
    """Over the run, the most loaded server of a pool has at most ``most`` times the mean load.

    A load is the picks of a server for its weight, while nobody of its tier was excluded, or
    came back to a slow start: who is out gets nothing, rightly. Each time between two changes
    of the pool's servers is judged by itself. ``index`` is the least that Jain's index may be.

    Judged are the servers of the first tier, of pools whose algorithm gives out picks by
    weight: not backups, later priorities, nor disabled ones; not pools that hash or that go by
    load, nor times in which a server was full or many requests were tried again. There unequal
    shares are the purpose.
    """

    name = "fair"

    def __init__(self, most: float = 1.5, index: float = 0.9) -> None:
        super().__init__()
        self._most = most
        self._index = index
        self._standings = Standings()
        self._periods: dict[tuple[str, str], list[_Period]] = {}
        self._returned: dict[tuple[str, str], float] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        ears: dict[What, Ear] = {**self._standings.ears}
        for what in RETURNS:
            ears[what] = self._returning(ears[what])
        return {**ears, What.SELECT: self._selected, What.RETRY: self._retried}

    def _returning(self, ear: Ear) -> Ear:
        def heard(happening: Happening) -> None:
            ear(happening)
            self._returned[happening.entity, str(happening.values[1])] = happening.at

        return heard

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)

    def _selected(self, happening: Happening) -> None:
        server, pool = str(happening.values[0]), str(happening.values[1])
        self._standings.selected(happening)
        period = self._period(happening.entity, pool)
        chosen = None if period is None else period.tier.get(server)
        if period is None or chosen is None or self._is_unsettled(happening, pool, period):
            return
        period.picks[server] = period.picks.get(server, 0) + 1
        most = chosen.max_connections
        if most is not None and int(happening.values[2]) + 1 >= most:
            period.was_full = True

    def _is_unsettled(self, happening: Happening, pool: str, period: _Period) -> bool:
        """Whether anybody of the tier is out, or back for less than its slow start lasts."""
        members = self._standings.pool(happening.entity, pool)
        if any(not each.is_clear for name, each in members.items() if name in period.tier):
            return True
        slow, returned = period.config.slow_start, self._returned.get((happening.entity, pool))
        return bool(slow) and returned is not None and happening.at < returned + slow

    def _retried(self, happening: Happening) -> None:
        period = self._period(happening.entity, str(happening.values[1]))
        if period is not None:
            period.retries += 1

    def _period(self, balancer: str, pool: str) -> "_Period | None":
        """Return the one that goes on, or begin one: with other servers the shares are others.

        None for a pool that is not judged.
        """
        config = pool_config(self.world, balancer, pool)
        # Code of the user's own need not be hashable.
        if not isinstance(config.algorithm, str) or config.algorithm not in FEWEST_EXPECTED:
            return None
        periods = self._periods.setdefault((balancer, pool), [])
        if not periods or (periods[-1].config is not config and periods[-1].config != config):
            periods.append(_Period(config, self._tier(balancer, config)))
        return periods[-1]

    def _tier(self, balancer: str, config: PoolConfig) -> dict[str, ServerConfig]:
        tier = first_tier(config)
        return {name_of(self.world, balancer, config.name, each.id): each for each in tier}

    def quiet(self, world: World) -> None:
        """See ``Check``."""
        now = world.clock.current_time()
        for (balancer, pool), periods in self._periods.items():
            for period in filter(lambda period: period.is_telling, periods):
                picks = period.picks
                # Who was never picked counts too: that is the worst share.
                loads = {name: picks.get(name, 0) / n for name, n in period.expected.items()}
                self._judge(now, balancer, pool, loads)

    def _judge(self, now: float, balancer: str, pool: str, loads: Mapping[str, float]) -> None:
        mean = sum(loads.values()) / len(loads)
        top = max(loads, key=lambda name: loads[name])
        ratio, index = loads[top] / mean, jain_index(list(loads.values()))
        if ratio > self._most:
            text = f"{top} of {pool} has {ratio:.2f} times the mean load, allowed is {self._most:g}"
            self.object_at(now, text, entity=balancer)
        elif index < self._index:
            text = f"Jain's index of {pool} is {index:.3f}, at least {self._index:g} is asked for"
            self.object_at(now, text, entity=balancer)
