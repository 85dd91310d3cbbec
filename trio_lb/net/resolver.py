"""Names to addresses: one lookup under way for each name, and a short memory.

The system's resolver blocks, so it runs in threads; ``Ask`` is the seam to them. A
thread can't be stopped, so a lookup belongs to its name and not to who asked first:
whoever gives up leaves it to the others, and to those who ask later. A name that
hangs thus takes one thread, however many connects to it are tried and cancelled.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import trio

FRESH_SECONDS: Final = 5.0
"""How long an answer is used unasked, and a last good one after a failure."""

LAST_GOOD_SECONDS: Final = 30.0
"""How old an answer may be that stands in while the resolver fails (the idea of RFC 8767)."""

PATIENCE_SECONDS: Final = 1.0
"""How long an answer that could stand in is held back for a better one (RFC 8767: 1.8 s)."""

MOST_LOOKUPS: Final = 8
"""How many run at one time: names that hang must not fill the process with threads."""

Answer: TypeAlias = tuple[str, ...] | OSError
"""Literal addresses, preferred first; or why there are none."""

OnAnswer: TypeAlias = Callable[[Answer], None]
Ask: TypeAlias = Callable[[str, OnAnswer], None]
"""Begin one lookup and return; call back once, in trio's own thread, in the same run."""


class _Lookup:
    """One question to the system. ``answer`` is None if nobody stayed to ask it."""

    __slots__ = ("answer", "ended")

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.ended = trio.Event()


class _Known:
    """An answer, when it was learned, and until when it is used unasked."""

    __slots__ = ("fresh_until", "hosts", "learned_at")

    def __init__(self, hosts: tuple[str, ...], now: float) -> None:
        self.hosts = hosts
        self.learned_at = now
        self.fresh_until = now + FRESH_SECONDS

    def is_good(self, now: float) -> bool:
        """Whether it may stand in for a lookup that fails."""
        return now < self.learned_at + LAST_GOOD_SECONDS


class Resolver:
    """Resolves names through ``ask``; owns the answers, and no task.

    What it knows belongs to one ``trio.run``: the clock of the next one starts
    elsewhere, and what was under way never calls back.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._run: trio.lowlevel.TrioToken | None = None
        self._forget_all()

    def _forget_all(self) -> None:
        self._known: dict[str, _Known] = {}  # The one learned last stands last.
        self._under_way: dict[str, _Lookup] = {}
        self._threads = trio.CapacityLimiter(MOST_LOOKUPS)

    @property
    def names_known(self) -> int:
        """How many names have an answer, fresh or not."""
        return len(self._known)

    async def resolve(self, name: str) -> tuple[str, ...]:
        """Return the addresses of ``name``, preferred first. Always a checkpoint.

        Raises:
          OSError: the lookup failed, and no good answer is younger than 30 s.
        """
        self._enter_run()
        known, now = self._known.get(name), trio.current_time()
        if known is None or not known.is_good(now):
            return await self._look_up(name)
        if now < known.fresh_until:
            await trio.lowlevel.checkpoint()
            return known.hosts
        return await self._refresh(name, known)

    def _enter_run(self) -> None:
        run = trio.lowlevel.current_trio_token()
        if run is not self._run:
            self._run = run
            self._forget_all()

    async def _refresh(self, name: str, known: _Known) -> tuple[str, ...]:
        """Look up anew, with ``known`` to fall back on if that fails or takes long."""
        try:
            with trio.move_on_after(PATIENCE_SECONDS):
                return await self._look_up(name)
        except OSError:
            pass  # Not lost: who asks when nothing stands in any more is told.
        known.fresh_until = trio.current_time() + FRESH_SECONDS
        return known.hosts

    async def _look_up(self, name: str) -> tuple[str, ...]:
        """Wait for the answer of the lookup that is under way, or of a new one."""
        answer = None
        while answer is None:
            lookup = self._under_way.get(name)
            if lookup is None:
                lookup = await self._begin(name)
            await lookup.ended.wait()
            answer = lookup.answer
        if isinstance(answer, OSError):
            raise OSError(*answer.args) from answer  # Each waiter gets a traceback of its own.
        return answer

    async def _begin(self, name: str) -> _Lookup:
        """Begin a lookup as soon as fewer than eight run."""
        lookup = self._under_way[name] = _Lookup()
        try:
            await self._threads.acquire_on_behalf_of(lookup)
        except trio.Cancelled:
            self._end(name, lookup, None)  # Another who waits takes the place in the queue.
            raise
        self._ask(name, partial(self._on_answer, name, lookup))
        return lookup

    def _on_answer(self, name: str, lookup: _Lookup, answer: Answer) -> None:
        self._threads.release_on_behalf_of(lookup)
        self._end(name, lookup, answer)
        if not isinstance(answer, OSError):
            self._learn(name, answer)

    def _end(self, name: str, lookup: _Lookup, answer: Answer | None) -> None:
        del self._under_way[name]
        lookup.answer = answer
        lookup.ended.set()

    def _learn(self, name: str, hosts: tuple[str, ...]) -> None:
        """Remember an answer; forget those that are too old even to stand in."""
        now = trio.current_time()
        self._known.pop(name, None)
        self._known[name] = _Known(hosts, now)
        while not self._known[oldest := next(iter(self._known))].is_good(now):
            del self._known[oldest]
