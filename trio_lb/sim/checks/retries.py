"""The laws of retries: how many in all, how many each, and never in step."""

from collections import deque
from collections.abc import Mapping
from typing import Final

import attrs

from trio_lb.config.resilience import BudgetConfig
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.rebirth import Rebirth
from trio_lb.sim.checks.standing import CONFIG_UPDATED
from trio_lb.sim.checks.world import World, pool_config
from trio_lb.sim.happening import Ear, Happening, Value, What

STALE: Final = "stale"
"""What the outcome of such an attempt begins with. The first replay of a stale connection is free: nothing of the request was processed."""


class Free:
    """Tells which RETRY is the free one of its request: the first one for a stale connection.

    A request's first retry follows attempt 1, so that one begins its right anew. A client that
    gave up may try again while the balancer still works at its last try; whose retry one is
    then, nobody can tell, so each of such a request's may be the free one.
    """

    __slots__ = ("_had", "_open", "_overlap", "ears")

    def __init__(self) -> None:
        self._had: dict[tuple[str, int], None] = {}
        self._open: dict[tuple[str, int], int] = {}
        self._overlap: dict[tuple[str, int], None] = {}
        self.ears: Mapping[What, Ear] = {
            What.START: self._begun,
            What.COMPLETE: self.ended,
            What.ERROR: self.ended,
        }

    def takes(self, retry: Happening) -> bool:
        """Whether this one is free; it is not so a second time."""
        key = (retry.entity, retry.req)
        if retry.values[2] == 1 or not retry.req:
            self._had.pop(key, None)
        if not str(retry.values[3]).lower().startswith(STALE):
            return False
        is_free = key not in self._had or key in self._overlap
        self._had[key] = None
        return is_free

    def had(self, retry: Happening) -> bool:
        """Whether its request had its free one, or may have had it."""
        key = (retry.entity, retry.req)
        return key in self._had or key in self._overlap

    def _begun(self, start: Happening) -> None:
        key = (start.entity, start.req)
        if start.req:
            self._open[key] = self._open.get(key, 0) + 1
            if self._open[key] > 1:
                self._overlap[key] = None

    def ended(self, end: Happening) -> None:
        """Take the end of a balancer's try into account."""
        key = (end.entity, end.req)
        left = self._open.pop(key, 0) - 1
        if left > 0:
            self._open[key] = left


@attrs.define(slots=True, eq=False)
class _Books:
    """Of one pool: the instants of its requests and of its retries, as far as the window goes."""

    requests: deque[float] = attrs.Factory(deque)
    retries: deque[float] = attrs.Factory(deque)
    tidy_at: int = 1024
    """So many requests are kept before those beyond the window are let go."""


class RetryBudgetKept(Check):
    """Retries of any window <= fraction * requests of that window + min_per_second * window.

    ``budget`` None: as the pool is configured. A request counts for the pool in which it
    is first picked for, or finds nobody.
    """

    name = "retry_budget_kept"

    def __init__(self, budget: BudgetConfig | None = None) -> None:
        super().__init__()
        self._budget = budget
        self._books: dict[str, dict[Value, _Books]] = {}
        # How many tries of a request wait for their first pick: the others are retries.
        self._unpicked: dict[tuple[str, int], int] = {}
        self._free = Free()
        self._rebirth = Rebirth(self._books.pop)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            **self._free.ears,
            What.START: self._begun,
            What.SELECT: self._selected,
            What.NO_SERVER: self._found_nobody,
            What.RETRY: self._retried,
            What.ERROR: self._ended,
            What.INJECT: self._rebirth.ears[What.INJECT],
            What.NEWS: self._news,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._rebirth.begin(world)

    def _begun(self, happening: Happening) -> None:
        self._free.ears[What.START](happening)
        key = (happening.entity, happening.req)
        self._unpicked[key] = self._unpicked.get(key, 0) + 1

    def _selected(self, happening: Happening) -> None:
        # What has no number can't be followed; to allow more is to be fair.
        if not happening.req or self._is_picked(happening):
            self._count(happening, happening.values[1])

    def _is_picked(self, happening: Happening) -> bool:
        """Let one try of this request wait no more, if any did."""
        key = (happening.entity, happening.req)
        waiting = self._unpicked.pop(key, 0)
        if waiting > 1:
            self._unpicked[key] = waiting - 1
        return waiting > 0

    def _found_nobody(self, happening: Happening) -> None:
        # It has no number, so this may be one that was counted.
        self._count(happening, happening.values[0])

    def _ended(self, happening: Happening) -> None:
        self._free.ended(happening)
        if not happening.values[3]:  # Its attempts: it was never picked for.
            self._is_picked(happening)

    def _count(self, happening: Happening, pool: Value) -> None:
        books = self._of(happening.entity, pool)
        books.requests.append(happening.at)
        if len(books.requests) > books.tidy_at:
            window = self._terms(happening.entity, pool).window
            _drop_before(books.requests, happening.at - window)
            books.tidy_at = 1024 + 2 * len(books.requests)

    def _retried(self, happening: Happening) -> None:
        if self._free.takes(happening):
            return
        pool = happening.values[1]
        books = self._of(happening.entity, pool)
        terms = self._terms(happening.entity, pool)
        books.retries.append(happening.at)
        _drop_before(books.retries, happening.at - terms.window)
        _drop_before(books.requests, happening.at - terms.window)
        allowed = terms.fraction * len(books.requests) + terms.min_per_second * terms.window
        if terms.enabled and len(books.retries) > allowed + 1e-9:
            self.object(
                happening,
                f"{len(books.retries)} retries in {terms.window:g} s of {len(books.requests)}"
                f" requests of {pool}, allowed are {allowed:g}",
            )

    def _of(self, balancer: str, pool: Value) -> _Books:
        pools = self._books.setdefault(balancer, {})
        books = pools.get(pool)
        if books is None:
            books = pools[pool] = _Books()
        return books

    def _terms(self, balancer: str, pool: Value) -> BudgetConfig:
        if self._budget is not None:
            return self._budget
        return pool_config(self.world, balancer, str(pool)).retry.budget

    def _news(self, happening: Happening) -> None:
        self._rebirth.ears[What.NEWS](happening)
        if happening.values[0] == CONFIG_UPDATED:
            # Another budget begins with empty books.
            for books in self._books.get(happening.entity, {}).values():
                books.retries.clear()


class AttemptsBounded(Check):
    """No request is retried more than ``max_retries`` times (None: as configured).

    The one free replay of a stale connection comes on top.
    """

    name = "attempts_bounded"

    def __init__(self, max_retries: int | None = None) -> None:
        super().__init__()
        self._most = max_retries
        self._free = Free()

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.RETRY: self._retried, **self._free.ears}

    def _retried(self, happening: Happening) -> None:
        self._free.takes(happening)
        # So many attempts failed, and another follows: that many retries.
        retries = int(happening.values[2]) - self._free.had(happening)
        most = self._most
        if most is None:
            pool = str(happening.values[1])
            most = pool_config(self.world, happening.entity, pool).retry.max_retries
        if retries > most:
            self.object(happening, f"retry number {retries}, max_retries is {most}")


def _drop_before(instants: deque[float], at: float) -> None:
    """The window is (now - window, now]."""
    while instants and instants[0] <= at:
        instants.popleft()
