"""Whole lives of a few requests: those that a reader of a report will ask for.

    ARRIVE --> living --DONE--> recent --pushed out--> forgotten
                                  |
                                  +--> kept: the first failure and the slowest of each bucket,
                                       the first of each reason, whoever a check objected to

A life goes on after DONE: servers may still work on what nobody waits for any more. So what is
told of a kept request later is added too. Each reason to keep a life is a hold; who has none
left is forgotten.
"""

from collections import deque
from collections.abc import Hashable, MutableMapping
from typing import Final, TypeVar

import attrs

from trio_lb.sim.happening import Happening

LIMIT: Final = 200
"""Lives that a report shows, by default."""

RECENT: Final = 64
"""So many lives that are over can still be kept: a check objects a little after the fact."""

MOST_STEPS: Final = 200
"""Steps of one life; a request that is tried for ever is cut there."""

_Key = TypeVar("_Key", bound=Hashable)


@attrs.define(slots=True, eq=False)
class Life:
    """What happened to one request. ``ns`` is from ARRIVE to DONE; -1 while it is not over."""

    req: int
    begin: float
    steps: list[Happening]
    end: float = -1.0
    ns: int = -1
    ok: bool = False
    reason: str = ""
    holds: int = 0

    def add(self, step: Happening) -> None:
        """Another step of it."""
        if len(self.steps) < MOST_STEPS:
            self.steps.append(step)


class Sample:
    """Chooses lives as they end; memory is bounded by the number of buckets.

    Lives of requests that are not over are all followed: there are as many as clients wait for.
    """

    def __init__(self) -> None:
        self.living: dict[int, Life] = {}
        self._recent: deque[Life] = deque()
        self._slowest: dict[int, Life] = {}
        self._failed: dict[int, Life] = {}
        self._first: dict[str, Life] = {}
        self._pinned: dict[int, Life] = {}

    def begin(self, happening: Happening) -> None:
        """Follow a request from its arrival on."""
        req = happening.req
        self.living[req] = Life(req, happening.at, [happening])

    def done(self, bucket: int, happening: Happening) -> None:
        """A request is over: keep its life if it is worse than those of its bucket."""
        life = self.living.get(happening.req)
        if life is None or life.ns >= 0:
            return
        success, _, ns, reason = happening.values
        life.end, life.ns = happening.at, int(ns)
        life.ok, life.reason = bool(success), str(reason)
        self._judge(bucket, life)
        self._recent.append(life)
        life.holds += 1
        if len(self._recent) > RECENT:
            self._release(self._recent.popleft())

    def keep(self, req: int) -> None:
        """Keep this request whatever becomes of it: a check objected to it."""
        life = self.living.get(req)
        if life is not None and len(self._pinned) < LIMIT:
            self._hold(self._pinned, req, life)

    def _judge(self, bucket: int, life: Life) -> None:
        if not life.ok and bucket not in self._failed:
            self._hold(self._failed, bucket, life)
        if life.reason not in self._first and len(self._first) < LIMIT:
            self._hold(self._first, life.reason, life)
        slowest = self._slowest.get(bucket)
        if slowest is None or life.ns > slowest.ns:
            self._hold(self._slowest, bucket, life)

    def _hold(self, kept: MutableMapping[_Key, Life], key: _Key, life: Life) -> None:
        """Keep a life under a key, in the place of whoever was there."""
        former = kept.get(key)
        kept[key] = life
        life.holds += 1
        if former is not None:
            self._release(former)

    def _release(self, life: Life) -> None:
        life.holds -= 1
        if not life.holds:
            del self.living[life.req]

    def chosen(self, limit: int = LIMIT) -> list[Life]:
        """Return at most ``limit`` lives by number: pinned, first of a reason, failed, slowest."""
        failed = spread(list(self._failed.values()), max(limit // 2, 1))
        slow = sorted(self._slowest.values(), key=lambda life: (-life.ns, life.req))
        found: dict[int, Life] = {}
        for life in (*self._pinned.values(), *self._first.values(), *failed, *slow):
            if len(found) < limit:
                found.setdefault(life.req, life)
        return [found[req] for req in sorted(found)]


def spread(lives: list[Life], limit: int) -> list[Life]:
    """Return at most ``limit`` of them, evenly from the first to the last."""
    if len(lives) <= limit:
        return lives
    return [lives[number * len(lives) // limit] for number in range(limit)]
