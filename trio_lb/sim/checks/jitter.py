"""Jitter: what many do at once must not come back in step.

A value that is drawn hardly ever comes twice; one that is computed does so each time. So
many equal delays prove that nobody drew, whatever the distribution should have been.
"""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Final

from trio_lb.config.probing import HealthCheckConfig
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.faults import Weather
from trio_lb.sim.checks.world import name_of, pool_config
from trio_lb.sim.happening import Ear, Happening, What

ENOUGH: Final = 6
"""So many values are judged, and so many more each time."""
ENOUGH_EJECTIONS: Final = 3
FEWEST_DISTINCT_FRACTION: Final = 0.5
AFTERMATH_SECONDS: Final = 10.0


class _Drawn:
    """Collects values by what they should differ within, and judges each full hand."""

    __slots__ = ("_enough", "_hands")

    def __init__(self, enough: int = ENOUGH) -> None:
        self._enough = enough
        self._hands: dict[Hashable, list[int]] = {}

    def add(self, key: Hashable, value: int) -> int | None:
        """Return how many of a full hand differ, if that is too few."""
        hand = self._hands.setdefault(key, [])
        hand.append(value)
        if len(hand) < self._enough:
            return None
        distinct = len(dict.fromkeys(hand))
        hand.clear()
        return distinct if distinct <= FEWEST_DISTINCT_FRACTION * self._enough else None


class RetriesJittered(Check):
    """The delays before retries differ; those of the same attempt number are compared.

    A retry without a delay (elsewhere, at once) is none that has to be spread.
    """

    name = "retries_jittered"

    def __init__(self) -> None:
        super().__init__()
        self._drawn = _Drawn()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.RETRY: self._retried}

    def _retried(self, happening: Happening) -> None:
        _, pool, attempt, _, delay_ns = happening.values
        if not delay_ns:
            return
        distinct = self._drawn.add((happening.entity, pool, attempt), int(delay_ns))
        if distinct is not None:
            self.object(
                happening,
                f"{ENOUGH} delays before retry {attempt} of {pool} are only {distinct} different"
                f" ones, this one {int(delay_ns) / 1e6:g} ms: nobody drew them",
            )


class EjectionsJittered(Check):
    """The lengths of ejections differ, so that not all of a rack return at once.

    A further ejection of a server lasts twice as long as the one before: compared is how much
    longer each is than the configured time, doubled as often as it goes in.
    """

    name = "ejections_jittered"

    def __init__(self) -> None:
        super().__init__()
        self._drawn = _Drawn(ENOUGH_EJECTIONS)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.EJECT: self._ejected}

    def _ejected(self, happening: Happening) -> None:
        _, pool, _, length_ns = happening.values
        terms = pool_config(self.world, happening.entity, str(pool)).outlier_detection
        term_ns = round(terms.base_ejection_time * 1e9)
        while 2 * term_ns <= int(length_ns):
            term_ns *= 2
        distinct = self._drawn.add((happening.entity, pool), int(length_ns) - term_ns)
        if distinct is not None:
            self.object(
                happening,
                f"{ENOUGH_EJECTIONS} ejections of {pool} have only {distinct} different lengths,"
                f" this one {int(length_ns) / 1e9:g} s: nobody drew them",
            )


class ProbesJittered(Check):
    """The time from probe to probe of one server differs, unless no jitter is configured.

    It is judged only where no fault can have held a probe back. It looks at worlds with one balancer: of two, nobody could tell whose probe comes.
    """

    name = "probes_jittered"

    def __init__(self) -> None:
        super().__init__()
        self._drawn = _Drawn()
        self._last_at: dict[str, float] = {}
        self._weather = Weather()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.PROBE: self._probed, **self._weather.ears}

    def _probed(self, happening: Happening) -> None:
        server, at = happening.entity, happening.at
        last_at = self._last_at.get(server)
        self._last_at[server] = at
        terms = self._terms(server)
        if last_at is None or terms is None or at - last_at < _shortest(terms):
            return
        if not self._weather.was_calm(last_at - AFTERMATH_SECONDS):
            return  # A network that held packets back gives them out in its own time.
        # Whole microseconds: floats of the same period differ in their last digit.
        distinct = self._drawn.add(server, round((at - last_at) * 1e6))
        if distinct is not None:
            self.object(
                happening,
                f"{ENOUGH} probes of {server} came at only {distinct} different intervals,"
                f" this one {at - last_at:.6f} s",
            )

    def _terms(self, server: str) -> HealthCheckConfig | None:
        """Return how it is probed, if one pool alone does so, and with jitter."""
        names = list(self.world.balancers)
        balancer = self.world.balancers[names[0]] if len(names) == 1 else None
        if balancer is None or balancer.lb is None:
            return None
        named = partial(name_of, self.world, names[0])
        pools = [each.pool for each in balancer.lb.servers() if named(each.pool, each.id) == server]
        checks = [pool_config(self.world, names[0], pool).health_check for pool in pools]
        return checks[0] if len(checks) == 1 and checks[0].jitter_fraction > 0 else None


def _shortest(terms: HealthCheckConfig) -> float:
    """What is shorter was no interval: a suspect is probed at once, a paused host answers late."""
    return 0.5 * min(terms.interval, terms.fast_interval)
