"""Two connections joined: bytes both ways, ends and resets carried over, one idle clock.

             CLIENT_ENDS                 SERVER_ENDS
    OPEN -----------------> CLIENT_DONE -------------> COMPLETE
     |`-------------------> SERVER_DONE ---CLIENT_ENDS--->^
     |     SERVER_ENDS          `------SERVER_DEAFENS---> SERVER_LEFT
     |   SERVER_DEAFENS                                      ^
     |`-------------------> SERVER_DEAF ------SERVER_ENDS----'
     `--- SERVER_BREAKS --> SERVER_BROKE (from every state where this is not the end)

    and the same with the sides exchanged: CLIENT_DEAF, CLIENT_LEFT, CLIENT_BROKE

Rule 1: an end is done when it has been passed on: in CLIENT_DONE the server knows that
the client says no more, and goes on talking.
Rule 2: a side deafens when it was sent something after its close. What it had said before
is still carried, up to its end (then it LEFT) or up to a reset (then it BROKE).
Rule 3: a side breaks by a reset, or by taking nothing for too long. That ends both ways
at once, and what comes after it changes nothing.
Rule 4: silence ends a bridge, too, and changes no state: what the state still is then
says whose end nobody was told of.
Rule 5: what is read is at once sent; a direction holds one piece and reads no further
before all of it was taken, so that a slow reader slows its writer down.
"""

import enum
from collections.abc import Mapping
from typing import Final

import trio

from trio_lb.net.env import Stream
from trio_lb.net.inbox import BOUNDLESS, LARGEST_READ, Inbox
from trio_lb.net.relay import Stalled, send_all

_SLOW_PIECE: Final = 16 * 1024
"""What a slow reader is given at a time: each piece that it takes is a sign of life."""


class State(enum.Enum):
    """How far a bridge has come."""

    OPEN = "open"
    CLIENT_DONE = "the client ended"
    SERVER_DONE = "the server ended"
    CLIENT_DEAF = "the client takes no more"
    SERVER_DEAF = "the server takes no more"
    COMPLETE = "both ended"
    CLIENT_LEFT = "the client ended and takes no more"
    SERVER_LEFT = "the server ended and takes no more"
    CLIENT_BROKE = "the client broke"
    SERVER_BROKE = "the server broke"


class Signal(enum.Enum):
    """What happened on one of its sides."""

    CLIENT_ENDS = "the server knows that the client ended"
    SERVER_ENDS = "the client knows that the server ended"
    CLIENT_DEAFENS = "what was sent to the client came back as a reset"
    SERVER_DEAFENS = "what was sent to the server came back as a reset"
    CLIENT_BREAKS = "the client reset, or took nothing"
    SERVER_BREAKS = "the server reset, or took nothing"


_BREAKS: Final = {
    Signal.CLIENT_BREAKS: State.CLIENT_BROKE,
    Signal.SERVER_BREAKS: State.SERVER_BROKE,
}

TRANSITIONS: Final[Mapping[State, Mapping[Signal, State]]] = {
    State.OPEN: {
        Signal.CLIENT_ENDS: State.CLIENT_DONE,
        Signal.SERVER_ENDS: State.SERVER_DONE,
        Signal.CLIENT_DEAFENS: State.CLIENT_DEAF,
        Signal.SERVER_DEAFENS: State.SERVER_DEAF,
        **_BREAKS,
    },
    State.CLIENT_DONE: {
        Signal.SERVER_ENDS: State.COMPLETE,
        Signal.CLIENT_DEAFENS: State.CLIENT_LEFT,
        **_BREAKS,
    },
    State.SERVER_DONE: {
        Signal.CLIENT_ENDS: State.COMPLETE,
        Signal.SERVER_DEAFENS: State.SERVER_LEFT,
        **_BREAKS,
    },
    State.CLIENT_DEAF: {
        Signal.CLIENT_ENDS: State.CLIENT_LEFT,
        Signal.SERVER_DEAFENS: State.SERVER_BROKE,
        **_BREAKS,
    },
    State.SERVER_DEAF: {
        Signal.SERVER_ENDS: State.SERVER_LEFT,
        Signal.CLIENT_DEAFENS: State.CLIENT_BROKE,
        **_BREAKS,
    },
    State.COMPLETE: {},
    State.CLIENT_LEFT: {},
    State.SERVER_LEFT: {},
    State.CLIENT_BROKE: {},
    State.SERVER_BROKE: {},
}

CLIENT_KNOWS: Final = frozenset({State.COMPLETE, State.SERVER_DONE, State.SERVER_LEFT})
"""The client was told that the server ended: it is closed. In any other state it has to be
reset, or what it got would pass for all."""

SERVER_KNOWS: Final = frozenset({State.COMPLETE, State.CLIENT_DONE, State.CLIENT_LEFT})
"""The same of the server. What either was sent last may still be under way to it: a reset
would throw that away, a close does not."""


class _Way:
    """One direction: from whose inbox to whose stream, and what each event on it means."""

    __slots__ = (
        "sent_bytes",
        "sink",
        "sink_breaks",
        "sink_deafens",
        "source",
        "source_breaks",
        "source_ends",
    )

    def __init__(
        self,
        source: Inbox,
        sink: Stream,
        *,
        source_ends: Signal,
        source_breaks: Signal,
        sink_deafens: Signal,
        sink_breaks: Signal,
    ) -> None:
        source.appetite = BOUNDLESS  # It may rest for hours.
        self.source = source
        self.sink = sink
        self.source_ends = source_ends
        self.source_breaks = source_breaks
        self.sink_deafens = sink_deafens
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
        self._up = _Way(
            client,
            server.stream,
            source_ends=Signal.CLIENT_ENDS,
            source_breaks=Signal.CLIENT_BREAKS,
            sink_deafens=Signal.SERVER_DEAFENS,
            sink_breaks=Signal.SERVER_BREAKS,
        )
        self._down = _Way(
            server,
            client.stream,
            source_ends=Signal.SERVER_ENDS,
            source_breaks=Signal.SERVER_BREAKS,
            sink_deafens=Signal.CLIENT_DEAFENS,
            sink_breaks=Signal.CLIENT_BREAKS,
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
        """Change the state; what is not in the table came after the end."""
        self._state = TRANSITIONS[self._state].get(signal, self._state)
        if TRANSITIONS[self._state]:
            self._moved()
        else:
            self._scope.cancel()

    def _moved(self) -> None:
        """Something was carried, or ended: both ways have their whole time again."""
        seconds = self._silence.get(self._state, self._silence[State.OPEN])
        self._scope.deadline = trio.current_time() + seconds

    async def _carry(self, way: _Way) -> None:
        source = way.source
        while True:
            try:
                comes = bool(source.data) or await source.fill()
            except trio.BrokenResourceError:
                self._take(way.source_breaks)
                return
            try:
                if comes:
                    await self._send(way, source.take(LARGEST_READ))
                    continue
                await way.sink.send_eof()
            except trio.BrokenResourceError:
                self._take(way.sink_deafens)
            except Stalled:
                self._take(way.sink_breaks)
            else:
                self._take(way.source_ends)
            return

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
