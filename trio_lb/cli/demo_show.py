"""The demo's narrator: does the deeds in time, listens to the balancer, and tells.

Everything it says of the balancer is one of the balancer's own events.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import trio

from trio_lb.app import LoadBalancer
from trio_lb.cli.demo_script import REQUESTS_PER_SECOND, Cue, Deed, Play, clock, opening
from trio_lb.cli.demo_server import DemoServer
from trio_lb.cli.demo_tally import Tally
from trio_lb.cli.demo_traffic import USER_AGENT, ask_steadily
from trio_lb.model import events
from trio_lb.model.address import Address
from trio_lb.observe.escape import escape_line
from trio_lb.observe.lines import Lines
from trio_lb.observe.throttle import Throttle

Style = Callable[[str], str]
"""Sets off what is done from what follows: bold on a terminal."""


_DRAIN_SECONDS: Final = 0.5
"""The client's own requests take milliseconds; a visitor may keep one open for as long as he likes."""


class Show:
    """One play: it moves the servers, listens to the balancer, and tells.

    ``fronts`` maps a protocol to where the balancer speaks it; the client asks at ``http``.
    """

    def __init__(
        self,
        lb: LoadBalancer,
        play: Play,
        fronts: Mapping[str, Address],
        servers: Sequence[DemoServer],
        out: Lines,
        style: Style = str,
    ) -> None:
        self.tally = Tally()
        self._lb = lb
        self._play = play
        self._fronts = fronts
        self._servers = {server.name: server for server in servers}
        self._out = out
        self._style = style
        self._visits = Throttle(1.0)
        # When the curtain rose; until then it is 0.0 s.
        self._start: float | None = None
        self._fallen: set[str] = set()
        # Whose breaker has opened and not closed since.
        self._tripped: set[str] = set()
        self._undo: list[Callable[[], None]] = []

    def open(self) -> None:
        """Say what there is to see, and begin to listen to the balancer."""
        places = {name: str(server.address) for name, server in self._servers.items()}
        self._print(opening(_how_to_open(self._fronts), places, self._play))
        self._undo = [
            self._lb.on(events.ServerHealthChanged, self._on_health),
            self._lb.on(events.CircuitBreakerOpened, self._on_breaker_opened),
            self._lb.on(events.CircuitBreakerHalfOpened, self._on_breaker_half_opened),
            self._lb.on(events.CircuitBreakerReset, self._on_breaker_closed),
            self._lb.on(events.ServerEjected, self._on_ejected),
            self._lb.on(events.ServerReadmitted, self._on_readmitted),
            self._lb.on(events.ServerDrained, self._on_drained),
            self._lb.on(events.RequestCompleted, self._on_completed),
        ]

    async def run(self) -> None:
        """Play all acts; returns at the play's end, never when it has none."""
        await self._lb.wait_ready()
        self._start = start = self._lb.env.now()
        front, fail = self._fronts["http"], self.tally.count_failure
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_steadily, self._lb.env, front, REQUESTS_PER_SECOND, fail)
            nursery.start_soon(self._report, start)
            nursery.start_soon(self._act, start)
            await self._wait_end(start)
            nursery.cancel_scope.cancel()

    async def _wait_end(self, start: float) -> None:
        # Not when the last cue has been played: what follows from it is to be seen, too.
        if self._play.seconds is None:
            await trio.sleep_forever()
        else:
            await trio.sleep_until(start + self._play.seconds)

    async def _act(self, start: float) -> None:
        """Do each deed at its instant, counted from the start: none that takes long adds up."""
        for cue in self._play.cues():
            await trio.sleep_until(start + cue.at)
            self._tell(self._style(f">>> {cue.server} {cue.deed.value}"))
            await self._do(cue)

    async def _do(self, cue: Cue) -> None:
        """Most deeds are done to the server behind the balancer's back; two are its operator's."""
        if cue.deed is Deed.LEAVES:
            await self._lb.drain(cue.server, deadline_seconds=_DRAIN_SECONDS)
        elif cue.deed is Deed.REPAIRED:
            self._lb.pool().resume(cue.server)
            self._tell(f"{cue.server} takes requests again, a growing share")
        else:
            await self._servers[cue.server].suffer(cue.deed)

    async def _report(self, start: float) -> None:
        due = start
        while True:
            due += self._play.row_seconds
            await trio.sleep_until(due)
            self._tell(self.tally.row())

    def close(self) -> None:
        """Say the last words, and listen no more."""
        for each in self._undo:
            each()
        self._tell(self._style(">>> the end"))
        self._print(self.tally.summary())

    # -- what the balancer says

    def _on_health(self, event: events.ServerHealthChanged) -> None:
        if not event.is_healthy:
            self._fallen.add(event.server_id)
            self._tell(f"{event.server_id} is unhealthy ({event.reason}); the others take over")
            return
        more = "; it gets a growing share" if event.server_id in self._fallen else ""
        self._tell(f"{event.server_id} is healthy ({event.reason}){more}")

    def _on_breaker_opened(self, event: events.CircuitBreakerOpened) -> None:
        self.tally.breakers_opened += 1
        name = event.server_id
        more = "longer than before" if name in self._tripped else "the others take over"
        self._tripped.add(name)
        seconds = 0.0 if event.until is None else event.until - event.at
        self._tell(f"{name}'s breaker opens for {seconds:.1f} s ({event.reason}); {more}")

    def _on_breaker_half_opened(self, event: events.CircuitBreakerHalfOpened) -> None:
        self._tell(f"{event.server_id}'s breaker half-opens: one request at a time may try")

    def _on_breaker_closed(self, event: events.CircuitBreakerReset) -> None:
        self.tally.breakers_closed += 1
        self._tripped.discard(event.server_id)
        self._tell(f"{event.server_id}'s breaker closes ({event.reason}); it gets a growing share")

    def _on_ejected(self, event: events.ServerEjected) -> None:
        seconds = event.until - event.at
        self._tell(f"{event.server_id} is ejected for {seconds:.1f} s ({event.reason})")

    def _on_readmitted(self, event: events.ServerReadmitted) -> None:
        self._tell(f"{event.server_id} is readmitted; it gets a growing share")

    def _on_drained(self, event: events.ServerDrained) -> None:
        why = "its last request has ended" if event.clean else "a request of yours is still open"
        self._tell(f"{event.server_id} is drained: {why}")

    def _on_completed(self, event: events.RequestCompleted) -> None:
        record = event.record
        self.tally.count(event.server_id or "", record.attempts)
        if record.user_agent != USER_AGENT:
            more = self._visits.admit("visit", event.at)
            if more is not None:
                page = escape_line(record.target[:60])
                others = f" (and {more} more before)" if more else ""
                self._tell(f"you asked for {page}, {event.server_id} answered{others}")

    # -- saying it

    def _tell(self, text: str) -> None:
        at = 0.0 if self._start is None else self._lb.env.now() - self._start
        self._print(f"{clock(at)}  {text}")

    def _print(self, text: str) -> None:
        # A visitor's page stands in it: nothing but visible ASCII may reach a terminal.
        self._out.put(f"{text}\n".encode("ascii", "backslashreplace"))


def _how_to_open(fronts: Mapping[str, Address]) -> list[str]:
    remarks = {
        "http": "   (reload it: the servers take turns)",
        "https": "  (a certificate of its own, made just now: curl -k)",
    }
    return [f"{scheme}://{address}{remarks[scheme]}" for scheme, address in fronts.items()]
