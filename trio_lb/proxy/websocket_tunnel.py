"""A WebSocket behind a 101: a tunnel that can ask whether the client lives, and take its leave.

               ASK             LEAVE             INSIST
    TALKING --------> ASKED ----------> LEAVING --------> INSISTING --GIVE_UP--> OVER
      |  ^--ANSWER------' '-----------------------------------------GIVE_UP-------^
      '-----------------LEAVE-------------^

It stays a relay, byte for byte, whatever extension the two ends have agreed on: the lanes
only follow where frames end (``websocket_lane``), so that a Ping or a Close of ours can be
put between two of them.

Rule 1: the state changes only in ``_step``, only as TRANSITIONS says.
Rule 2: a client is asked after ``ping_interval`` of silence, and given up after as long
again without a byte. Its Pong goes on to the server, which must bear one that it did not
ask for (RFC 6455 section 5.5.3).
Rule 3: before a stop both ends are told 1001 (going away): between two messages while there
is time, else between two frames. Then the closing handshake of each is awaited.
"""

import enum
import math
from collections.abc import Mapping, Sequence
from typing import Final

import trio

from trio_lb.model.events import Event
from trio_lb.net.bridge import CLIENT_KNOWS, SERVER_KNOWS
from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.websocket import GOING_AWAY, close_frame, ping_frame
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.tunnel import bridge_of
from trio_lb.proxy.websocket_lane import Lane

PING: Final = ping_frame(b"trio-lb")
_CLOSE: Final = close_frame(GOING_AWAY)
_MASK_BYTES: Final = 4


class State(enum.Enum):
    """What of ours is under way."""

    TALKING = "nothing"
    ASKED = "a Ping, for the client to answer"
    LEAVING = "a Close, for the end of a message"
    INSISTING = "a Close, for the end of a frame"
    OVER = "nothing any more"


class Signal(enum.Enum):
    """What moves it on."""

    ASK = "the client has been silent for long"
    ANSWER = "the client spoke"
    LEAVE = "a stop has come to this one"
    INSIST = "half of the patience is used up"
    GIVE_UP = "all of it is"


TRANSITIONS: Final[Mapping[State, Mapping[Signal, State]]] = {
    State.TALKING: {Signal.ASK: State.ASKED, Signal.LEAVE: State.LEAVING},
    State.ASKED: {
        Signal.ANSWER: State.TALKING,
        Signal.LEAVE: State.LEAVING,
        Signal.GIVE_UP: State.OVER,
    },
    State.LEAVING: {Signal.INSIST: State.INSISTING},
    State.INSISTING: {Signal.GIVE_UP: State.OVER},
    State.OVER: {},
}


async def websocket_tunnel(exchange: Exchange, connection: UpstreamConnection) -> bool:
    """Carry a WebSocket until it is over; the result is that of ``tunnel.tunnel``."""
    exchange.client.take_time()
    return await _WebSocket(exchange, connection).run()


class _WebSocket:
    """One of them; the timer serves its ``deadline``."""

    __slots__ = (
        "_asked_at",
        "_bridge",
        "_down",
        "_exchange",
        "_interval",
        "_leave_at",
        "_look_at",
        "_patience_seconds",
        "_scope",
        "_state",
        "_up",
    )

    def __init__(self, exchange: Exchange, connection: UpstreamConnection) -> None:
        context, client = exchange.context, exchange.client
        mask = bytes.fromhex(context.env.token(_MASK_BYTES))
        to_server = close_frame(GOING_AWAY, mask)
        self._up = Lane(client.inbox, connection.stream, masked=True, close=to_server)
        self._down = Lane(connection.inbox, client.stream, masked=False, close=_CLOSE)
        self._exchange = exchange
        self._bridge = bridge_of(exchange, self._up, self._down)
        self._scope = trio.CancelScope()
        self._state = State.TALKING
        self._interval = context.websockets.config.ping_interval or math.inf
        self._look_at = self._up.heard_at + self._interval
        self._asked_at = self._leave_at = math.inf
        self._patience_seconds = 0.0

    async def run(self) -> bool:
        websockets = self._exchange.context.websockets
        websockets.join(self)
        try:
            with self._scope:
                await self._bridge.run()
        finally:
            self._look_at = self._leave_at = math.inf
            websockets.leave(self)
            self._exchange.bytes_out += self._bridge.bytes_down
        ended = self._bridge.state
        self._exchange.cut = not (self._down.is_told or ended in CLIENT_KNOWS)
        return self._up.is_told or ended in SERVER_KNOWS

    def _step(self, signal: Signal) -> None:
        self._state = TRANSITIONS[self._state][signal]

    # ------------------------------------------------------------------ what is due

    @property
    def deadline(self) -> float | None:
        """When to look after the client, or to go on leaving; None for neither."""
        at = min(self._look_at, self._leave_at)
        return None if at == math.inf else at

    def on_deadline(self, now: float) -> Sequence[Event]:
        """Do what is due. Its only news is the request's end."""
        if now >= self._leave_at:
            self._go_on_leaving(now)
        elif now >= self._look_at:
            self._look_after_client(now)
        return ()

    def leave_at(self, at: float, patience_seconds: float) -> None:
        """See ``WebSocket``; one that leaves already goes on doing so."""
        if self._state is State.TALKING or self._state is State.ASKED:
            self._leave_at, self._patience_seconds = at, patience_seconds

    def _go_on_leaving(self, now: float) -> None:
        self._leave_at = now + self._patience_seconds / 2
        self._look_at = math.inf
        if self._state is State.INSISTING:
            self._give_up()
        elif self._state is State.LEAVING:
            self._step(Signal.INSIST)
            self._up.insist()
            self._down.insist()
        else:
            self._step(Signal.LEAVE)
            self._up.part()
            self._down.part()

    def _look_after_client(self, now: float) -> None:
        heard_at = self._up.heard_at
        if self._state is State.ASKED:
            if heard_at < self._asked_at and self._down.has_asked:
                self._exchange.error = "client_gone"
                self._give_up()
                return
            self._step(Signal.ANSWER)
        self._look_at = heard_at + self._interval
        if now < self._look_at:
            return
        if not self._up.ended and self._down.ask(PING):
            self._step(Signal.ASK)
            self._asked_at, self._look_at = now, now + self._interval
        else:
            self._look_at = math.inf  # Who can't answer is not asked.

    def _give_up(self) -> None:
        self._step(Signal.GIVE_UP)
        self._look_at = self._leave_at = math.inf
        self._scope.cancel()
