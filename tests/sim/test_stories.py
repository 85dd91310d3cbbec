"""One story, told in three ways: the same instants whoever keeps the time and whoever dials.

What a simulation's own clock saves (a turn of the scheduler, a scope, a task for each dial) may
change nothing of what is seen. So a story that chance has written, of connections and of what
befalls their link and their hosts, is told on trio's ``MockClock``, on ``DesClock``, and there
with handshakes that calls of the clock lead on.

Each thing happens at an instant of its own, to the fraction: latencies are whole quarters of a
second, so what follows from one thing coincides with nothing that follows from another.
"""

import itertools
import math
from collections import defaultdict
from contextlib import suppress
from functools import partial
from typing import Final, TypeAlias

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.clock import DesClock
from trio_lb.sim.dialling import Dialling, Outcome
from trio_lb.sim.env import SimEnv
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.link import Connects
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.pins import deterministic
from trio_lb.sim.rule import Drip, Valve
from trio_lb.sim.stream import VirtualStream

SLOT_SECONDS: Final = 0.25
LATENCY_SECONDS: Final = 0.5
APART_SECONDS: Final = 2.0**-10
WINDOW_BYTES: Final = 8
"""So few that senders wait."""
PATIENCE_SECONDS: Final = 9.0 + 2.0**-20
SLOTS: Final = 80
WELL_AGAIN_SECONDS: Final = 100.0
END_SECONDS: Final = 300.0

Happening: TypeAlias = tuple[int, str, int]
"""In which quarter of a second, what, and to whom."""
Seen: TypeAlias = dict[str, list[tuple[float, str]]]
"""For each who takes part: when it saw what."""


class Story:
    """The world of one telling; ``seen`` fills as it goes."""

    def __init__(self, nursery: trio.Nursery, *, dials_by_call: bool) -> None:
        self.seen: Seen = defaultdict(list)
        self._nursery = nursery
        self._dials_by_call = dials_by_call
        self._net = VirtualNetwork(1, latency_seconds=LATENCY_SECONDS, window_bytes=WINDOW_BYTES)
        self._a, self._b = self._net.host("a"), self._net.host("b")
        self._link = self._net.link("a", "b")
        self._ends: list[tuple[str, VirtualStream]] = []
        self._valves: list[tuple[VirtualStream, Valve]] = []
        self._listener: VirtualListener | None = None
        self._alarm = SimEnv(self._a).alarm()
        self._rings_at = math.inf
        self._dials = 0

    async def tell(self, happenings: list[Happening]) -> None:
        """Let it all happen, each at its instant; then all is well again, and at last it ends."""
        self._nursery.start_soon(self._sleep)
        self._listen(0)
        for number, (slot, what, which) in enumerate(happenings, start=1):
            await trio.sleep_until(slot * SLOT_SECONDS + number * APART_SECONDS)
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                getattr(self, f"_{what}")(which)
        await trio.sleep_until(WELL_AGAIN_SECONDS)
        self._be_well()
        await trio.sleep_until(END_SECONDS)
        for _, end in self._ends:
            end.close()
        for host in (self._a, self._b):
            self._saw(host.name, f"{host.descriptors.used} descriptors")
        self._saw("net", f"{len(self._net.open_streams())} streams")
        self._nursery.cancel_scope.cancel()

    async def wake_all_the_time(self) -> None:
        """Let whoever waits look again, though nothing has happened."""
        for number in itertools.count():
            await trio.sleep_until(number * 2 * SLOT_SECONDS + 2.0**-15)
            self._link.wake()

    def _be_well(self) -> None:
        for _ in [*self._valves]:
            self._take_valve(0)
        for host in (self._a, self._b):
            host.restart()
            host.resume()
        self._link.heal()

    def _saw(self, who: str, what: object) -> None:
        self.seen[who].append((trio.current_time(), str(what)))

    # ------------------------------------------------------------------ connections

    def _dial(self, which: int) -> None:
        self._dials += 1
        dial = self._dial_by_call if self._dials_by_call else self._dial_by_task
        dial(f"dial {self._dials}", PATIENCE_SECONDS if which % 2 else math.inf)

    def _dial_by_task(self, who: str, patience_seconds: float) -> None:
        async def dial() -> None:
            with trio.move_on_after(patience_seconds) as scope:
                try:
                    self._dialled(who, await self._a.connect(Address("b", 80)))
                except ConnectError as error:
                    self._dialled(who, error)
            if scope.cancelled_caught:
                self._saw(who, "gave up")

        self._nursery.start_soon(dial)

    def _dial_by_call(self, who: str, patience_seconds: float) -> None:
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, DesClock)
        dialling = Dialling(clock, self._a, Address("b", 80), partial(self._told, who))

        def give_up() -> None:
            if not self.seen[who]:
                dialling.leave()
                self._saw(who, "gave up")

        if patience_seconds < math.inf:
            clock.call_at(clock.current_time() + patience_seconds, give_up)

    def _told(self, who: str, outcome: Outcome) -> None:
        self._dialled(who, outcome)

    def _dialled(self, who: str, outcome: Outcome) -> None:
        if isinstance(outcome, VirtualStream):
            self._saw(who, "stands")
            self._begin(f"near end of {who}", outcome)
        else:
            self._saw(who, outcome)

    def _begin(self, name: str, end: VirtualStream) -> None:
        self._ends.append((name, end))
        self._nursery.start_soon(self._receive, name, end)

    def _listen(self, which: int) -> None:
        if self._listener is None:
            with suppress(OSError):
                self._listener = self._b.listen_nowait(Address(self._b.address, 80))
                self._nursery.start_soon(self._accept, self._listener)

    def _close_listener(self, which: int) -> None:
        if self._listener is not None:
            self._listener.close(VirtualStream.abort)

    async def _accept(self, listener: VirtualListener) -> None:
        try:
            while True:
                for end in await listener.accept_batch(1):
                    self._saw("listener", "accepts")
                    self._begin(f"far end of port {end.peer.port}", end)
        except trio.ClosedResourceError:
            self._saw("listener", "closed")
            self._listener = None

    async def _receive(self, name: str, end: VirtualStream) -> None:
        data = b"begin"
        try:
            while data:
                data = await end.receive_some(5)
                self._saw(f"receiver at {name}", data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._saw(f"receiver at {name}", error)

    def _end_of(self, which: int) -> tuple[str, VirtualStream]:
        if not self._ends:
            raise trio.ClosedResourceError
        self._ends.sort(key=_name)  # Two may stand at once, in either order.
        return self._ends[-1 - which % len(self._ends)]

    def _send(self, which: int) -> None:
        self._nursery.start_soon(self._send_all, *self._end_of(which), b"abc" * (which + 1))

    async def _send_all(self, name: str, end: VirtualStream, data: bytes) -> None:
        try:
            while data:
                data = data[await end.send_some(data) :]
                self._saw(f"sender at {name}", len(data))
        except (
            trio.BrokenResourceError,
            trio.ClosedResourceError,
            trio.BusyResourceError,
        ) as error:
            self._saw(f"sender at {name}", error)

    def _finish(self, which: int) -> None:
        self._end_of(which)[1].finish()

    def _close(self, which: int) -> None:
        self._end_of(which)[1].close()

    def _abort(self, which: int) -> None:
        self._end_of(which)[1].abort()

    # ------------------------------------------------------------------ what befalls them

    def _put_valve(self, which: int) -> None:
        _, end = self._end_of(which)
        valve = Drip(2, 0.75) if which % 2 else Valve()
        end.incoming.valves.append(valve)
        self._valves.append((end, valve))

    def _take_valve(self, which: int) -> None:
        if self._valves:
            end, valve = self._valves.pop(which % len(self._valves))
            if valve in end.incoming.valves:
                end.incoming.valves.remove(valve)
            end.wake()

    def _stall(self, which: int) -> None:
        self._link.stall(sent_by=(None, "a", "b")[which % 3])

    def _heal(self, which: int) -> None:
        self._link.heal()

    def _jam(self, which: int) -> None:
        self._link.path_from("ab"[which % 2]).jam(trio.current_time())

    def _clear(self, which: int) -> None:
        self._link.path_from("ab"[which % 2]).clear(trio.current_time())
        self._link.wake()

    def _reset(self, which: int) -> None:
        self._link.reset()

    def _refuse(self, which: int) -> None:
        self._link.connects = (Connects.REFUSE, Connects.BLACKHOLE, Connects.PASS)[which % 3]

    def _slow_down(self, which: int) -> None:
        self._link.set_latency((1 + which) * LATENCY_SECONDS)

    def _host(self, which: int) -> HostNetwork:
        return (self._a, self._b)[which % 2]

    def _pause(self, which: int) -> None:
        self._host(which).pause()

    def _resume(self, which: int) -> None:
        self._host(which).resume()

    def _crash(self, which: int) -> None:
        self._host(which).crash(fin=which > 1)

    def _restart(self, which: int) -> None:
        self._host(which).restart()

    def _accept_slowly(self, which: int) -> None:
        self._b.accept_delay_seconds = which * SLOT_SECONDS

    # ------------------------------------------------------------------ a sleeper

    async def _sleep(self) -> None:
        while True:
            await self._alarm.wait(lambda: self._rings_at)
            if trio.current_time() >= self._rings_at:
                self._saw("sleeper", "wakes")
                self._rings_at = math.inf

    def _set_alarm(self, which: int) -> None:
        self._rings_at = trio.current_time() + (which - 1) * 1.5
        self._alarm.tell()


def _name(end: tuple[str, VirtualStream]) -> str:
    return end[0]


WHAT: Final = (
    *("dial", "send", "listen", "close_listener", "finish", "close", "abort"),
    *("put_valve", "take_valve", "stall", "heal", "jam", "clear", "reset", "refuse", "slow_down"),
    *("pause", "resume", "crash", "restart", "accept_slowly", "set_alarm"),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Happening]:
    """Two connections to begin with, some bytes, and then whatever comes."""
    happening = st.tuples(st.integers(0, SLOTS), st.sampled_from(WHAT), st.integers(0, 3))
    chosen = draw(st.lists(happening, max_size=16))
    return sorted([(0, "dial", 0), (1, "dial", 1), (8, "send", 3), *chosen], key=_slot)


def _slot(happening: Happening) -> int:
    return happening[0]


def told(
    happenings: list[Happening],
    clock: DesClock | MockClock,
    *,
    dials_by_call: bool = False,
    wakes_all: bool = False,
) -> Seen:
    """Tell the story on that clock, and return what was seen."""

    async def tell() -> Seen:
        async with trio.open_nursery() as nursery:
            story = Story(nursery, dials_by_call=dials_by_call)
            if wakes_all:
                nursery.start_soon(story.wake_all_the_time)
            await story.tell(happenings)
        return {who: seen for who, seen in story.seen.items() if seen}

    with deterministic():
        seen = trio.run(tell, clock=clock)
    assert not isinstance(clock, DesClock) or clock.fault is None
    return seen


@settings(max_examples=100)
@given(stories())
def test_law_the_clock_and_who_dials_change_nothing_of_what_is_seen(story: list[Happening]) -> None:
    seen = told(story, MockClock(autojump_threshold=0))
    assert told(story, DesClock()) == seen
    assert told(story, DesClock(), dials_by_call=True) == seen


@settings(max_examples=60)
@given(stories())
def test_law_who_is_woken_for_nothing_sees_nothing_sooner(story: list[Happening]) -> None:
    """Else somebody was not told of news when it came."""
    assert told(story, DesClock(), wakes_all=True) == told(story, DesClock())


@settings(max_examples=40)
@given(stories())
def test_law_when_all_is_over_nothing_is_held(story: list[Happening]) -> None:
    seen = told(story, DesClock())
    assert seen["net"] == [(END_SECONDS, "0 streams")]
    assert seen["a"] == [(END_SECONDS, "0 descriptors")]
