"""Rendezvous hashing (Thaler and Ravishankar, 1996) by weight, from a table of slots.

For each slot every server has a *time*; the earliest owns it. Whoever leaves frees its own
slots only, whoever joins takes only slots in which it is earlier: no key ever moves between
two servers that stay. Times are exponential at the rate of the weight, so the chance to be
first is exactly proportional to it:

    time = -ln(1 - u) / weight        u: where the slot stands in the server's permutation

To ask every server at each pick is O(n). A slot is asked about once; and in a large pool
most slots find their owner without being asked, because permutations can be followed
forwards: each server throws its first darts, and where one has landed by time T, nobody
else is earlier. It is Maglev's table with times in place of turns.
"""

from array import array
from bisect import bisect
from collections.abc import Iterator, Mapping
from functools import cache
from math import inf, log1p
from typing import Final

import attrs

from trio_lb.policy.balance.maglev import SLOTS, permutation

ASK_MOST: Final = 32
"""Up to so many servers each change begins anew: asking them costs 10 µs a slot at most."""

_DARTS: Final = 3.0
"""Darts for each slot at first: they hit 95 % of the slots; the others are asked about."""

_STAY: Final = 0.75
"""When fewer of many servers stay, throwing anew costs less than asking about what is free."""

_WALK: Final = 4
_UNKNOWN: Final = -1.0


@attrs.frozen(slots=True)
class _Thrower:
    """A server: its permutation forwards (start, step) and backwards (inverse step)."""

    start: int
    step: int
    inverse: int
    weight: int


class Rendezvous:
    """Who owns which slot. ``adopt`` comes first."""

    def __init__(self) -> None:
        self._throwers: dict[str, _Thrower] = {}
        self._owners: list[str | None] = [None] * SLOTS
        # The owner's time in each slot: what a newcomer has to beat.
        self._times = array("d", [_UNKNOWN]) * SLOTS

    def adopt(self, weights: Mapping[str, int]) -> None:
        """Let go who is not in ``weights`` any more, and bring in who is new there.

        The result depends on ``weights`` alone, not on their order nor on what was before.
        """
        old = self._throwers
        stay = {i for i, weight in weights.items() if i in old and old[i].weight == weight}
        fresh = {i: _thrower(i, weight) for i, weight in weights.items() if i not in stay}
        self._throwers = {i: old[i] for i in stay} | fresh
        if len(weights) <= ASK_MOST:
            self._forget(_UNKNOWN)
        elif len(old) <= ASK_MOST or len(stay) < _STAY * max(len(old), len(weights)):
            self._throw_all()
        else:
            self._change(stay, fresh)

    def owner(self, point: int) -> str:
        """Return who owns the slot of ``point``."""
        slot = point % SLOTS
        return self._owners[slot] or self._ask(slot)

    def walk(self, point: int) -> Iterator[str]:
        """Yield the owners of the slots behind it, for a while; some come again."""
        for step in range(1, _WALK * len(self._throwers)):
            yield self.owner(point + step)

    def _ask(self, slot: int) -> str:
        """Compare everybody's time in a slot that no dart has settled."""
        curve = _curve()
        times = [
            (curve[(slot - t.start) * t.inverse % SLOTS] / t.weight, server_id)
            for server_id, t in self._throwers.items()
        ]
        self._times[slot], owner = min(times)
        self._owners[slot] = owner
        return owner

    def _forget(self, time: float) -> None:
        self._owners = [None] * SLOTS
        self._times = array("d", [time]) * SLOTS

    def _throw_all(self) -> None:
        """Settle most slots at once."""
        self._forget(inf)
        end = _DARTS / sum(thrower.weight for thrower in self._throwers.values())
        for server_id, thrower in self._throwers.items():
            self._throw(server_id, thrower, end)
        for slot, owner in enumerate(self._owners):
            if owner is None:
                self._times[slot] = _UNKNOWN

    def _change(self, stay: set[str], fresh: Mapping[str, _Thrower]) -> None:
        """Free the slots of those who left; let newcomers take those in which they are earlier."""
        owners, times = self._owners, self._times
        for slot, owner in enumerate(owners):
            if owner is not None and owner not in stay:
                owners[slot], times[slot] = None, _UNKNOWN
        latest = max(times)
        for server_id, thrower in fresh.items():
            self._throw(server_id, thrower, latest)

    def _throw(self, server_id: str, thrower: _Thrower, end: float) -> None:
        """Give it each slot in which it is earliest, as far as its times are before ``end``."""
        owners, times, curve = self._owners, self._times, _curve()
        slot, step, weight = thrower.start, thrower.step, thrower.weight
        # Rounding must not cut off a time that equals ``end``.
        for place in range(bisect(curve, end * weight * (1 + 1e-9))):
            time = curve[place] / weight
            if time < times[slot] or (time == times[slot] and server_id < (owners[slot] or "")):
                times[slot] = time
                owners[slot] = server_id
            slot += step
            if slot >= SLOTS:
                slot -= SLOTS


def _thrower(server_id: str, weight: int) -> _Thrower:
    start, step = permutation(server_id)
    return _Thrower(start, step, pow(step, -1, SLOTS), weight)


@cache
def _curve() -> "array[float]":
    """Return the times of a server of weight 1, from its first slot to its last."""
    return array("d", [-log1p(-(place + 0.5) / SLOTS) for place in range(SLOTS)])
