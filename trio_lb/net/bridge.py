"""Two connections joined: bytes both ways, ends and resets carried over, one idle clock.

             CLIENT_ENDS               SERVER_ENDS
    OPEN -----------------> CLIENT_DONE ----------> COMPLETE
     |`-------------------> SERVER_DONE -------------->^
     |     SERVER_ENDS                 CLIENT_ENDS
     |`- CLIENT_BREAKS ---> CLIENT_BROKE  (from SERVER_DONE, too)
     `-- SERVER_BREAKS ---> SERVER_BROKE  (from CLIENT_DONE, too)
    CLIENT_DONE -- CLIENT_BREAKS --> CLIENT_LEFT
    SERVER_DONE -- SERVER_BREAKS --> SERVER_LEFT

Rule 1: an end is done when it has been passed on: in CLIENT_DONE the server knows that
the client says no more, and goes on talking.
Rule 2: a side breaks by a reset, or by taking nothing for too long. That ends both ways
at once, and what comes after it changes nothing. Who ended before has only LEFT: it was
sent something after its close.
Rule 3: silence ends a bridge, too, and changes no state: what the state still is then
says whose end nobody was told of.
Rule 4: what is read is at once sent; a direction holds one piece and reads no further
before all of it was taken, so that a slow reader slows its writer down.
"""

import enum
from collections.abc import Mapping
from typing import Final

import trio

from trio_lb.net.env import Stream
from trio_lb.net.inbox import LARGEST_READ, Inbox
from trio_lb.net.relay import Stalled, send_all

_SLOW_PIECE: Final = 16 * 1024
"""What a slow reader is given at a time: each piece that it takes is a sign of life."""


class State(enum.Enum):
    """How far a bridge has come."""

    OPEN = "open"
    CLIENT_DONE = "the client ended"
    SERVER_DONE = "the server ended"
    COMPLETE = "both ended"
    CLIENT_BROKE = "the client broke"
    SERVER_BROKE = "the server broke"
    CLIENT_LEFT = "the client ended, and then took no more"
    SERVER_LEFT = "the server ended, and then took no more"


class Signal(enum.Enum):
    """What happened on one of its sides."""

    CLIENT_ENDS = "the server knows that the client ended"
    SERVER_ENDS = "the client knows that the server ended"
    CLIENT_BREAKS = "the client reset, or took nothing"
    SERVER_BREAKS = "the server reset, or took nothing"


TRANSITIONS: Final[Mapping[State, Mapping[Signal, State]]] = {
    State.OPEN: {
        Signal.CLIENT_ENDS: State.CLIENT_DONE,
        Signal.SERVER_ENDS: State.SERVER_DONE,
        Signal.CLIENT_BREAKS: State.CLIENT_BROKE,
        Signal.SERVER_BREAKS: State.SERVER_BROKE,
    },
    State.CLIENT_DONE: {
        Signal.SERVER_ENDS: State.COMPLETE,
        Signal.CLIENT_BREAKS: State.CLIENT_LEFT,
        Signal.SERVER_BREAKS: State.SERVER_BROKE,
    },
    State.SERVER_DONE: {
        Signal.CLIENT_ENDS: State.COMPLETE,
        Signal.CLIENT_BREAKS: State.CLIENT_BROKE,
        Signal.SERVER_BREAKS: State.SERVER_LEFT,
    },
    State.COMPLETE: {},
    State.CLIENT_BROKE: {},
    State.SERVER_BROKE: {},
    State.CLIENT_LEFT: {},
    State.SERVER_LEFT: {},
}

CLIENT_KNOWS: Final = frozenset({State.COMPLETE, State.SERVER_DONE, State.SERVER_LEFT})
"""The client was told that the server ended: it is closed. In any other state it has to be
reset, or what it got would pass for all."""

SERVER_KNOWS: Final = frozenset({State.COMPLETE, State.CLIENT_DONE, State.CLIENT_LEFT})
"""The same of the server. What either was sent last may still be under way to it: a reset
would throw that away, a close does not."""


class _Way:
    """One direction: from whose inbox to whose stream, and what each event on it means."""

    __slots__ = ("ends", "sent_bytes", "sink", "sink_breaks", "source", "source_breaks")

    def __init__(
        self,
        source: Inbox,
        sink: Stream,
        ends: Signal,
        *,
        source_breaks: Signal,
        sink_breaks: Signal,
    ) -> None:
        self.source = source
        self.sink = sink
        self.ends = ends
        self.source_breaks = source_breaks
        self.sink_breaks = sink_breaks
        self.sent_bytes = 0


class Bridge:
    """Joins two connections; ``run`` carries bytes until it is over. It closes nothing.

    ``silence`` says for how many seconds nothing may move, by the state; where a state is
    not named, OPEN's counts. ``stall_seconds`` bounds each wait for a reader.
    """

    __slots__ = ("_down", "_scope", "_silence", "_stall_seconds", "_state", "_up")

    def __init__(
        self,
        client: Inbox,
        server: Inbox,
        *,
        silence: Mapping[State, float],
        stall_seconds: float,
    ) -> None:
        client_breaks, server_breaks = Signal.CLIENT_BREAKS, Signal.SERVER_BREAKS
        self._up = _Way(
            client,
            server.stream,
            Signal.CLIENT_ENDS,
            source_breaks=client_breaks,
            sink_breaks=server_breaks,
        )
        self._down = _Way(
            server,
            client.stream,
            Signal.SERVER_ENDS,
            source_breaks=server_breaks,
            sink_breaks=client_breaks,
        )
        self._silence = silence
        self._stall_seconds = stall_seconds
        self._state = State.OPEN
        self._scope = trio.CancelScope()

    @property
    def state(self) -> State:
        """How far it has come; after ``run``, how it ended."""
        return self._state

    @property
    def bytes_up(self) -> int:
        """How many bytes the server was sent."""
        return self._up.sent_bytes

    @property
    def bytes_down(self) -> int:
        """How many bytes the client was sent."""
        return self._down.sent_bytes

    async def run(self) -> State:
        """Carry bytes both ways until both sides ended, one broke, or nothing moved for long.

        What either inbox holds already goes first. Cancelled, it passes on no end that did
        not come: closing or cutting both sides is the caller's.
        """
        async with trio.open_nursery() as nursery:
            self._scope = nursery.cancel_scope
            self._moved()
            nursery.start_soon(self._carry, self._up, name="the way up of a bridge")
            await self._carry(self._down)
        return self._state

    def _take(self, signal: Signal) -> None:
        """Change the state; what is not in the table came after the end (rule 2)."""
        self._state = TRANSITIONS[self._state].get(signal, self._state)

    def _moved(self) -> None:
        """Something was carried, or ended: both ways have their whole time again."""
        seconds = self._silence.get(self._state, self._silence[State.OPEN])
        self._scope.deadline = trio.current_time() + seconds

    async def _carry(self, way: _Way) -> None:
        source = way.source
        breaks = way.source_breaks
        try:
            while source.data or await source.fill():
                breaks = way.sink_breaks
                await self._send(way, source.take(LARGEST_READ))
                breaks = way.source_breaks
            breaks = way.sink_breaks
            await way.sink.send_eof()
        except (trio.BrokenResourceError, Stalled):
            self._take(breaks)
            self._scope.cancel()
        else:
            self._take(way.ends)
            self._moved()

    async def _send(self, way: _Way, piece: bytes) -> None:
        """Send, and if the sink is slow then piece by piece: each one taken is a move."""
        sent = way.sink.send_nowait(piece)
        way.sent_bytes += sent
        self._moved()
        if sent == len(piece):
            return
        way.source.slow_down()
        rest = memoryview(piece)[sent:]
        while rest:
            part = rest[:_SLOW_PIECE]
            await send_all(way.sink, part, self._stall_seconds)
            way.sent_bytes += len(part)
            self._moved()
            rest = rest[len(part) :]
