"""A link between two hosts, and the two paths that it consists of.

A path answers one question: what leaves now, when does it arrive? It keeps no
packets. A stall is a pair of instants, and ``delivery`` moves whatever would have
arrived between them to its end; so bytes that were under way when the stall began
are held too, and healing needs no queue to be walked.

Whoever waits for an arrival asks again and again, so a stall is remembered until nobody
asks about its time any more:

    a stall begins --> Link.settle --> what has arrived writes down when (``settled``),
                                       what has not, is asked about (``asked_from``)
                                   --> stalls that ended before are forgotten
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import trio

from trio_lb.sim.bottleneck import Bottleneck
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.giving_up import Patience
from trio_lb.sim.outages import Outages, copies

if TYPE_CHECKING:
    from trio_lb.sim.stream import VirtualStream

_NEVER: Final = math.inf

Greeter: TypeAlias = Callable[["VirtualStream"], object]
"""Called with an end of a connection that is being made, before anything is sent."""


class Connects(Enum):
    """What happens to an attempt to connect over a link."""

    PASS = "pass"
    REFUSE = "refuse"
    BLACKHOLE = "blackhole"


class Crossing(Enum):
    """How a packet of a handshake fares on its way."""

    ARRIVED = "arrived"
    HELD = "held"
    LOST = "lost"


class Waits(Protocol):
    """Somebody to whom something comes over links: a listener."""

    def wake(self) -> object:
        """What a stall held may be there now."""
        ...

    def settle(self, now: float) -> object:
        """Write down when what has come did: see ``Link.settle``."""
        ...


class Lobby(Protocol):
    """The network, as a link sees it."""

    def open_listeners(self) -> Sequence[Waits]:
        """Return those that are not closed."""
        ...


class Path:
    """One direction of a link.

    ``latency_seconds`` is one way, ``jitter_seconds`` the most that chance adds to
    it, ``bandwidth_bytes_per_second`` is shared by all streams of the path (None:
    no limit), ``queue_bytes`` is what may wait for it before more is lost (None: any
    number), ``loss`` the share in [0, 1) of packets that are lost. All may be changed
    at any time and hold for what is sent then. ``far`` tells when the host at the path's
    end was down; ``on_stall`` is called when a stall begins, ``before_stall`` with the instant
    before that, if there were others; ``on_calm`` when less is lost from now on. ``asked_from`` is
    the first instant that may be asked about. Acknowledgements have chance of their own.

    A path stalls while it is cut (``stall``), jammed, or both. A cut loses SYNs, a jam
    holds them, too.
    """

    def __init__(
        self,
        latency_seconds: float,
        rng: random.Random,
        far: Outages | None = None,
        rng_of_news: random.Random | None = None,
    ) -> None:
        self.latency_seconds = latency_seconds
        self.jitter_seconds = 0.0
        self._loss = 0.0
        self.bandwidth_bytes_per_second: float | None = None
        self.queue_bytes: float | None = None
        self._rng = rng
        self._rng_of_news = rng_of_news or random.Random(0)
        self._far = far or Outages()
        self._bottleneck = Bottleneck()
        self._stalls: list[tuple[float, float]] = []
        self._is_cut = False
        self._is_jammed = False
        self.on_stall: Callable[[], object] = _tell_nobody
        self.before_stall: Callable[[float], object] = _tell_nobody
        self.on_calm: Callable[[Path], object] = _tell_nobody
        self.asked_from = -math.inf
        self._on_clear: dict[Callable[[], object], None] = {}

    def arrival(self, now: float, size_bytes: int = 0) -> float:
        """Return when what is sent now would arrive if nothing stalled.

        Something without a size (a SYN, a reset) does not queue for bandwidth, so it
        may overtake bytes that do.
        """
        sent, rate = now, self.bandwidth_bytes_per_second
        if size_bytes and rate is not None:
            sent = self._bottleneck.leaves(now, size_bytes, rate, self.queue_bytes)
        late = self._rng.uniform(0.0, self.jitter_seconds) if self.jitter_seconds else 0.0
        return sent + self.latency_seconds + late

    @property
    def loss(self) -> float:
        """Share of the packets that are lost, in [0, 1)."""
        return self._loss

    @loss.setter
    def loss(self, share: float) -> None:
        if not 0.0 <= share < 1.0:
            raise ValueError(f"a loss of {share} is not in [0, 1); stall the path to lose all")
        was, self._loss = self._loss, share
        if share < was:
            self.on_calm(self)

    def is_lost(self) -> bool:
        """Toss whether one packet is lost. Without ``loss`` no chance is drawn."""
        return self._loss > 0.0 and self._rng.random() < self._loss

    def retransmission_seconds(self) -> float:
        """Return how late a piece of a stream is because it, and maybe its copies, were lost."""
        return self._late_seconds(self._rng) if self._loss > 0.0 else 0.0

    def late_news_seconds(self) -> float:
        """Return the same of the news of an arrival; who reads when must not change what data meets."""
        return self._late_seconds(self._rng_of_news) if self._loss > 0.0 else 0.0

    def _late_seconds(self, rng: random.Random) -> float:
        late_seconds, timetable = 0.0, copies()
        while rng.random() < self._loss:
            late_seconds = next(timetable)
        return late_seconds

    def copy_arrival(self, arrival: float, planned: float, now: float) -> float:
        """Return when a lost piece comes now that less is lost: copies that have left stay as they are.

        ``arrival`` is when it would have come had it not been lost, ``planned`` what its copies
        were thought to meet.
        """
        for late_seconds in copies():
            copy_at = arrival + late_seconds
            if copy_at >= planned:
                return planned
            if copy_at - self.latency_seconds > now and not self.is_lost():
                return copy_at
        raise AssertionError("there is always another copy")

    def delivery(self, arrival: float) -> float:
        """Return when that arrival happens in fact: later when stalled, never until healed.

        What reached a host that was down arrives with the first copy that finds it up.
        """
        stalls = self._stalls
        if not stalls and not self._far.spans:
            return arrival  # As nearly always.
        while True:
            let_go = self._let_go(arrival)
            arrival = self._far.reached(let_go)
            if arrival == let_go:
                return arrival
            # A copy of what was lost may meet the next stall.

    def _let_go(self, arrival: float) -> float:
        stalls = self._stalls
        if stalls and arrival < stalls[-1][1]:
            index = bisect_right(stalls, arrival, key=_end)
            while index < len(stalls) and stalls[index][0] <= arrival:
                arrival = stalls[index][1]  # And perhaps into the next one, which begins there.
                index += 1
        return arrival

    def settled(self, arrival: float, now: float) -> float | None:
        """Return when that arrival happened, once it has; until then note that it is asked about."""
        at = self.delivery(arrival)
        if at < now:
            return at
        self.asked_from = min(self.asked_from, arrival)
        return None

    def forget_stalls(self) -> None:
        """Forget those of which nobody asks any more."""
        self._stalls = [stall for stall in self._stalls if stall[1] > self.asked_from]

    @property
    def is_stalled(self) -> bool:
        """Whether nothing arrives at present."""
        return self._is_cut or self._is_jammed

    @property
    def is_dark(self) -> bool:
        """Whether nothing arrives at present, be it for a stall or because nobody is there."""
        return self.is_stalled or self._far.is_down

    def stall(self, now: float) -> None:
        """Hold all that has not arrived by ``now``, until ``mend`` or ``heal``."""
        self._switch(now, is_cut=True, is_jammed=self._is_jammed)

    def mend(self, now: float) -> None:
        """End the cut; a jam goes on, and holds what the cut held."""
        self._switch(now, is_cut=False, is_jammed=self._is_jammed)

    def jam(self, now: float) -> None:
        """Hold all of it, SYNs and their answers too, until ``clear`` or ``heal``."""
        self._switch(now, is_cut=self._is_cut, is_jammed=True)

    def clear(self, now: float) -> None:
        """End the jam; a cut goes on, and holds what the jam held, but not the SYNs."""
        self._switch(now, is_cut=self._is_cut, is_jammed=False)

    def heal(self, now: float) -> None:
        """Deliver ``now`` what was held."""
        self._switch(now, is_cut=False, is_jammed=False)

    def _switch(self, now: float, *, is_cut: bool, is_jammed: bool) -> None:
        was_stalled = self.is_stalled
        self._is_cut, self._is_jammed = is_cut, is_jammed
        if self.is_stalled and not was_stalled:
            if self._stalls:
                self.before_stall(now)
            self._stalls.append((now, _NEVER))
            self.on_stall()
        elif was_stalled and not self.is_stalled:
            begin, _ = self._stalls.pop()
            self._stalls.append((begin, now))
        if not is_jammed and self._on_clear:
            tell, self._on_clear = self._on_clear, {}
            for look_again in tell:
                look_again()

    def crossing(self, arrival: float, now: float) -> Crossing:
        """Return what became by ``now`` of a packet of a handshake that was due at ``arrival``.

        It is lost in a cut, or because nobody was there; a jam only holds it.
        """
        if self.delivery(arrival) <= now:
            return Crossing.ARRIVED
        return Crossing.HELD if self._is_jammed and not self._is_cut else Crossing.LOST

    def when_clear(self, look_again: Callable[[], object]) -> None:
        """Call ``look_again()`` once, when the jam of now is over, unless it is forgotten before."""
        self._on_clear[look_again] = None

    def forget(self, look_again: Callable[[], object]) -> None:
        """Let who waits for the end of the jam go, if it does."""
        self._on_clear.pop(look_again, None)

    @property
    def stalls(self) -> int:
        """How many it remembers: the one that goes on, and those that may be asked about."""
        return len(self._stalls)

    @property
    def held_handshakes(self) -> int:
        """How many wait for the end of the jam."""
        return len(self._on_clear)


class Link:
    """Both directions between two hosts, and the switches for their faults.

    ``outages`` are those of the two ends; the ``lobby`` is where those are who wait on
    something else than a stream of the link. ``idle_drop_seconds`` is the
    silence after which a box in the middle forgets a connection (None: never). Each of the
    ``greeters`` is called with both ends of each connection that is made from now on. ``patience``
    is that of senders: who makes something dark has it watch.
    """

    def __init__(
        self,
        ends: tuple[str, str],
        outages: tuple[Outages, Outages],
        latency_seconds: float,
        seed: int,
        lobby: Lobby,
    ) -> None:
        first, second = self.ends = ends
        of_first, of_second = outages
        self.idle_drop_seconds: float | None = None
        self.connects = Connects.PASS
        self.greeters: list[Greeter] = []
        self.streams: dict[int, VirtualStream] = {}

        def way(name: str, far: Outages) -> Path:
            rngs = (derive_rng(seed, f"{what} {name}") for what in ("path", "news"))
            return Path(latency_seconds, next(rngs), far, next(rngs))

        there, back = way(f"{first}>{second}", of_second), way(f"{second}>{first}", of_first)
        self._paths = {first: there, second: back}
        self._lobby = lobby
        self.patience = Patience(self)
        for path in self._paths.values():
            path.on_stall = self.patience.watch
            path.before_stall = self.settle
            path.on_calm = self._calmed

    @property
    def is_dark(self) -> bool:
        """Whether nothing arrives in one direction at least."""
        return any(path.is_dark for path in self._paths.values())

    def path_from(self, host: str) -> Path:
        """Return the direction that leaves ``host``; a host's link to itself has only one."""
        return self._paths[host]

    def path_to(self, host: str) -> Path:
        """Return the direction that leads to ``host``."""
        first, second = self.ends
        return self._paths[second if host == first else first]

    def settle(self, now: float) -> None:
        """Forget the stalls of which nobody asks: what arrived before now knows when it did."""
        for path in self._paths.values():
            path.asked_from = now
        for waiting in (*self.streams.values(), *self._lobby.open_listeners()):
            waiting.settle(now)
        for path in self._paths.values():
            path.forget_stalls()

    def _calmed(self, path: Path) -> None:
        """Let what was lost on the path come with the next copy that gets through."""
        for stream in list(self.streams.values()):
            if stream.incoming.retry(path, trio.current_time()):
                stream.wake()

    def set_latency(self, seconds: float) -> None:
        """Set the one-way latency of both directions."""
        for path in self._paths.values():
            path.latency_seconds = seconds

    def set_bandwidth(self, bytes_per_second: float | None) -> None:
        """Cap both directions, each by itself; None takes the cap away."""
        for path in self._paths.values():
            path.bandwidth_bytes_per_second = bytes_per_second

    def set_loss(self, share: float) -> None:
        """Let both directions lose this share of their packets."""
        for path in self._paths.values():
            path.loss = share

    def stall(self, *, sent_by: str | None = None) -> None:
        """Hold what ``sent_by`` sends (None: both ends). SYNs are lost, not held."""
        for path in self._chosen(sent_by):
            path.stall(trio.current_time())

    def heal(self) -> None:
        """End every stall and let connects pass: the latency and the cap stay."""
        self.connects = Connects.PASS
        for path in self._paths.values():
            path.heal(trio.current_time())
        self.wake()

    def wake(self) -> None:
        """Let all who wait for what a stall held look again."""
        for stream in self.streams.values():
            stream.wake()
        for listener in self._lobby.open_listeners():
            listener.wake()

    def reset(self) -> None:
        """Break every stream of the link: both ends see a reset at this instant."""
        for stream in list(self.streams.values()):
            stream.cut()

    def _chosen(self, sent_by: str | None) -> list[Path]:
        return list(self._paths.values()) if sent_by is None else [self._paths[sent_by]]


def _tell_nobody(*_: object) -> None:
    """A path that is part of no link."""


def _end(stall: tuple[float, float]) -> float:
    return stall[1]
