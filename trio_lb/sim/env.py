"""``Env`` for simulations and tests: virtual time, virtual network, seeded chance."""

import math
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Final

import attrs
import trio
from trio.testing import MockClock

from trio_lb.net.env import Look, Network
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.clock import DesClock
from trio_lb.sim.seat import Seat
from trio_lb.sim.sink import VirtualSink

DEFAULT_EPOCH: Final = 1_767_225_600.0
"""Wall time at instant 0: 2026-01-01 00:00:00 UTC."""


@attrs.define(eq=False)
class _Lookout:
    """Somebody outside of the loop, and when it looks next."""

    look: Look
    next_at: float = -math.inf


class SimEnv:
    """Satisfies ``net.env.Env``; everything in it follows from ``seed`` and trio's clock.

    ``buggified`` is the table of rare points that a test switches on by name; faults ``arm``
    them to act now and then. ``watched`` lets a watchdog in: it beats several times a second, so
    hours of virtual time would take long. ``stand_still`` then is a loop that does not run. Who
    makes the run's ``clock`` hands it in: to ask it through trio takes three calls instead of one.
    """

    def __init__(
        self,
        network: Network,
        seed: int = 0,
        *,
        epoch: float = DEFAULT_EPOCH,
        clock: trio.abc.Clock | None = None,
    ) -> None:
        self.network = network
        self.epoch = epoch
        self.buggified: dict[str, bool] = {}
        self.tosses: dict[str, list[Callable[[], bool]]] = {}
        self.watched = False
        self.exit_codes: list[int] = []
        self._seed = seed
        self._now = trio.current_time if clock is None else clock.current_time
        self._rngs: dict[str, random.Random] = {}
        self._sinks: dict[str, VirtualSink] = {}
        self._lookouts: list[_Lookout] = []
        self._listening: list[tuple[Sequence[str], trio.MemorySendChannel[str]]] = []

    def now(self) -> float:
        """Seconds on trio's clock, virtual or not."""
        return self._now()

    def alarm(self) -> Seat:
        """See ``Env``: where calls can be made, a call for each wait."""
        return Seat("asleep")

    def wall(self) -> float:
        """Seconds since 1970: the epoch moved on by trio's clock. Assign ``epoch`` to jump."""
        return self.epoch + self._now()

    def rng(self, name: str) -> random.Random:
        """See ``Env``."""
        if name not in self._rngs:
            self._rngs[name] = derive_rng(self._seed, name)
        return self._rngs[name]

    def token(self, size_bytes: int) -> str:
        """Return seeded lower-case hex: distinct, and the same in every run."""
        return self.rng("token").randbytes(size_bytes).hex()

    @asynccontextmanager
    async def signals(self, names: Sequence[str]) -> AsyncGenerator[AsyncIterator[str], None]:
        """See ``Env``; ``send_signal`` feeds it."""
        send, receive = trio.open_memory_channel[str](math.inf)
        entry = (tuple(names), send)
        self._listening.append(entry)
        try:
            with send, receive:
                yield receive
        finally:
            self._listening.remove(entry)

    def send_signal(self, name: str) -> None:
        """Give the process a signal, at once.

        Raises:
          LookupError: nobody listens to it; a real process would die of it.
        """
        listening = [send for names, send in self._listening if name in names]
        if not listening:
            raise LookupError(f"nobody listens to {name}")
        for send in listening:
            send.send_nowait(name)

    def open_sink(self, path: str) -> VirtualSink:
        """See ``Env``; opening a path again goes on with what it holds."""
        sink = self.sink(path)
        sink.is_open = True
        return sink

    def sink(self, path: str) -> VirtualSink:
        """Return the sink of a path, to read it or to break it, even before it is opened."""
        if path not in self._sinks:
            self._sinks[path] = VirtualSink(path)
            self._sinks[path].is_open = False
        return self._sinks[path]

    @contextmanager
    def _look_out(self, look: Look) -> Iterator[None]:
        lookout = _Lookout(look)
        self._lookouts.append(lookout)
        try:
            yield
        finally:
            self._lookouts.remove(lookout)

    def lookout(self, look: Look) -> AbstractContextManager[object] | None:
        """See ``Env``; it looks during ``stand_still`` only, as nothing else can surprise it."""
        return self._look_out(look) if self.watched else None

    def stand_still(self, seconds: float) -> None:
        """Let virtual time pass without a turn for any task, as a call that blocks would."""
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, MockClock | DesClock), "only virtual time can be made to pass"
        end = self.now() + seconds
        for lookout in self._lookouts:
            lookout.next_at = max(lookout.next_at, self.now())
        while due := [each for each in self._lookouts if each.next_at <= end]:
            earliest = min(due, key=lambda each: each.next_at)
            clock.jump(max(0.0, earliest.next_at - self.now()))
            earliest.next_at = earliest.look(self.now(), self)
        clock.jump(end - self.now())

    def stack(self) -> str:
        """See ``Outside``: nothing is really stuck."""
        return "  (virtual)\n"

    def end_process(self, code: int) -> None:
        """See ``Outside``: noted in ``exit_codes``."""
        self.exit_codes.append(code)

    def arm(self, name: str, toss: Callable[[], bool]) -> Callable[[], None]:
        """Let this point act whenever ``toss()`` says so; return what ends that."""
        tosses = self.tosses.setdefault(name, [])
        tosses.append(toss)

        def disarm() -> None:
            if toss in tosses:
                tosses.remove(toss)

        return disarm

    def buggify(self, name: str) -> bool:
        """Whether the test switched this point on, or one that armed it lets it act this time."""
        if any(toss() for toss in self.tosses.get(name, ())):
            return True
        return self.buggified.get(name, False)
