"""One direction of a WebSocket: bytes as they come, and a word of ours between two frames.

              PART             FAREWELL            ANSWER
    FLOWING -------> PARTING -------------> PARTED -------> OVER
      |  |            |  |                     '--GARBLED-----^
      |  '---CLOSE----'--)----> CLOSED
      '-----GARBLED------'----> BLIND

Rule 1: nothing is put in but where a frame has ended, and nothing follows a Close: what
the source says after ours is read and dropped, until its own Close comes.
Rule 2: a Close of the source's own goes through, and takes the place of ours.
Rule 3: where frames can't be followed it is a lane of plain bytes, and says nothing.
"""

import enum
from collections.abc import Mapping
from typing import Final

import trio

from trio_lb.net.env import Stream
from trio_lb.net.inbox import Inbox
from trio_lb.net.websocket import FrameTracker


class Phase(enum.Enum):
    """What becomes of what the source says."""

    FLOWING = "it goes on"
    PARTING = "it goes on, up to where our Close may stand"
    PARTED = "it is dropped, and its Close awaited"
    OVER = "nothing is awaited any more"
    CLOSED = "it goes on, and its Close has"
    BLIND = "it goes on, and is no WebSocket"


class Signal(enum.Enum):
    """What moves it on."""

    PART = "we are about to leave"
    FAREWELL = "our Close is out"
    ANSWER = "the source's Close came after ours"
    CLOSE = "the source's Close came first"
    GARBLED = "a malformed frame came"


TRANSITIONS: Final[Mapping[Phase, Mapping[Signal, Phase]]] = {
    Phase.FLOWING: {
        Signal.PART: Phase.PARTING,
        Signal.CLOSE: Phase.CLOSED,
        Signal.GARBLED: Phase.BLIND,
    },
    Phase.PARTING: {
        Signal.FAREWELL: Phase.PARTED,
        Signal.CLOSE: Phase.CLOSED,
        Signal.GARBLED: Phase.BLIND,
    },
    Phase.PARTED: {Signal.ANSWER: Phase.OVER, Signal.GARBLED: Phase.OVER},
    Phase.OVER: {},
    Phase.CLOSED: {},
    Phase.BLIND: {},
}


class Lane(Inbox):
    """An inbox for a bridge, which sends what it takes from here to ``sink``.

    It goes on where ``inbox`` stands. ``close`` is our Close for the sink, as a frame.
    ``heard_at`` is the instant when the source last said something.

    While the bridge waits in ``fill`` nobody sends to the sink, so a word of ours is sent
    from where it is spoken; at any other time it is put into what the bridge takes next.
    """

    __slots__ = (
        "_close",
        "_insists",
        "_is_waiting",
        "_phase",
        "_rest",
        "_sink",
        "_tracker",
        "_word",
        "heard_at",
    )

    def __init__(self, inbox: Inbox, sink: Stream, *, masked: bool, close: bytes) -> None:
        super().__init__(inbox.stream, inbox._first_read)
        self.data, inbox.data = inbox.data, b""
        self.ended = inbox.ended
        self.heard_at = trio.current_time()
        self._sink = sink
        self._close = close
        self._tracker = FrameTracker(masked=masked)
        self._phase = Phase.FLOWING
        self._insists = False
        self._is_waiting = False
        self._word = b""  # A ping that has not found its place yet.
        self._rest = b""  # Of a word of ours that a full sink took only in part.

    @property
    def phase(self) -> Phase:
        """What becomes of what the source says."""
        return self._phase

    @property
    def is_told(self) -> bool:
        """Whether the sink was sent a Close, ours or the source's own."""
        return self._phase in (Phase.PARTED, Phase.OVER, Phase.CLOSED)

    def _has_left(self) -> bool:
        return self._phase is Phase.PARTED or self._phase is Phase.OVER

    def _step(self, signal: Signal) -> None:
        self._phase = TRANSITIONS[self._phase][signal]

    # ------------------------------------------------------------------ words of ours

    def ask(self, ping: bytes) -> bool:
        """Say ``ping`` at the next boundary; False where none of ours can be said any more."""
        if self._phase is not Phase.FLOWING or self.ended:
            return False
        self._word = ping
        self._speak()
        return True

    @property
    def has_asked(self) -> bool:
        """Whether the last ping has found its place."""
        return not self._word

    def part(self) -> None:
        """Say our Close when the message under way has ended, and drop what follows."""
        if self._phase is Phase.FLOWING:
            self._word = b""
            self._step(Signal.PART)
            self._speak()

    def insist(self) -> None:
        """The message is too long to wait for: let the Close stand between two of its frames."""
        self._insists = True
        self._speak()

    @property
    def _may_speak(self) -> bool:
        """Whether a word is waiting that may stand right behind what was taken so far."""
        tracker = self._tracker
        if self._phase is Phase.PARTING and not self._insists:
            return tracker.is_between_messages
        return bool(self._word or self._phase is Phase.PARTING) and tracker.is_between_frames

    def _speak(self) -> None:
        if not (self._is_waiting and self._may_speak):
            return
        words = self._rest + (self._word or self._close)
        try:
            self._rest = words[self._sink.send_nowait(words) :]
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # It is gone, as the bridge will find out by itself.
        self._spoken()

    def _spoken(self) -> None:
        self._word = b""
        if self._phase is Phase.PARTING:
            self._step(Signal.FAREWELL)
            self._tracker.feed(super().take(len(self.data)))  # Read already, and dropped.

    # ------------------------------------------------------------------ for the bridge

    async def fill(self) -> bool:
        """See ``Inbox``. After our farewell nothing comes any more: it returns with the end."""
        if self._has_left():
            return await self._see_off()
        if (self._word or self._phase is Phase.PARTING) and self._may_speak:
            return True
        self._is_waiting = True
        try:
            came = await super().fill()
        finally:
            self._is_waiting = False
        self.heard_at = trio.current_time()
        return await self._see_off() if self._has_left() else came  # It may have, meanwhile.

    def take(self, limit: int) -> bytes:
        """See ``Inbox``; with words of ours in it, where there is something to say."""
        piece = super().take(limit)
        if self._phase is Phase.FLOWING:
            tracker = self._tracker
            tracker.feed(piece)
            if not (self._word or self._rest or tracker.is_closed or tracker.is_lost):
                return piece
        elif self._phase is Phase.PARTING:
            self._tracker.feed(piece)
        rest, self._rest = self._rest, b""
        return rest + self._edited(piece)

    def _edited(self, piece: bytes) -> bytes:
        """Take note of a Close or of garbage; put a word of ours where it may stand."""
        tracker = self._tracker
        if self._phase is Phase.CLOSED or self._phase is Phase.BLIND:
            return piece
        if self._has_left():
            return b""
        if tracker.is_closed:
            self._word = b""
            self._step(Signal.CLOSE)
            return piece
        word, at = self._word, tracker.boundary
        if self._phase is Phase.PARTING:
            word, at = self._close, at if self._insists else tracker.gap
        if word and at >= 0:
            what_follows = b"" if self._phase is Phase.PARTING else piece[at:]
            self._spoken()
            return piece[:at] + word + what_follows
        if tracker.is_lost:
            self._word = b""
            self._step(Signal.GARBLED)
        return piece

    async def _see_off(self) -> bool:
        """Read and drop what still comes, up to the source's Close; always False."""
        while self._rest:
            self._rest = self._rest[await self._sink.send_some(self._rest) :]
        tracker = self._tracker
        while self._phase is Phase.PARTED:
            if self.data:
                tracker.feed(super().take(len(self.data)))
            if tracker.is_closed:
                self._step(Signal.ANSWER)
            elif tracker.is_lost:
                self._step(Signal.GARBLED)
            elif not await super().fill():
                break
        return False
