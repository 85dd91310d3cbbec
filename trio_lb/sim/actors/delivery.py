"""Handing an answer to the kernel: piece by piece in time, and as far as the window is open."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from trio_lb.sim.actors.conduct import ENDLESS_PIECE, ENDLESS_SECONDS, Answer, Then
from trio_lb.sim.actors.end import End
from trio_lb.sim.clock import Call
from trio_lb.sim.watch import Watch

if TYPE_CHECKING:
    from trio_lb.sim.actors.server import ServerActor


class Delivery:
    """The way out of one connection of a server: one answer at a time.

    ``on_sent()`` is called when all of an answer was handed over, ``on_broken()`` when the other
    side has reset the connection. An endless answer is never sent.
    """

    __slots__ = (
        "_answer",
        "_left",
        "_next",
        "_on_broken",
        "_on_sent",
        "_pieces",
        "_room",
        "_server",
        "_stream",
    )

    def __init__(
        self,
        server: "ServerActor",
        stream: End,
        on_sent: Callable[[], object],
        on_broken: Callable[[], object],
    ) -> None:
        self._server = server
        self._stream = stream
        self._on_sent = on_sent
        self._on_broken = on_broken
        self._answer: Answer | None = None
        self._pieces: deque[bytes] = deque()
        self._left = memoryview(b"")
        self._room: Watch | None = None
        self._next: Call | None = None

    def begin(self, answer: Answer) -> None:
        """Hand over an answer from its first byte."""
        self._answer = answer
        self._pieces.extend(answer.to_pieces())
        self._next_piece()

    def _next_piece(self) -> None:
        self._left = memoryview(self._pieces.popleft())
        self._push()

    def _push(self) -> None:
        """Hand over what fits; the rest when there is room."""
        if self._server.holds(self._push):
            return
        try:
            self._left = self._left[self._stream.send_nowait(self._left) :]
        except trio.BrokenResourceError:
            self._on_broken()
            return
        except trio.ClosedResourceError:
            return  # Our host crashed.
        if self._left:
            self._wait_for_room()
        else:
            self._go_on()

    def _wait_for_room(self) -> None:
        if self._room is None:
            self._room = self._stream.watch_room(self._has_room)
        else:
            self._room.arm()

    def _has_room(self) -> None:
        if self._left:  # Else it is old news: what waited for room has gone.
            self._push()

    def _go_on(self) -> None:
        answer = self._answer
        assert answer is not None, "something was sent"
        if self._pieces:
            self._after(answer.every_seconds)
        elif answer.then is Then.ENDLESS:
            self._pieces.append(ENDLESS_PIECE)
            self._after(ENDLESS_SECONDS)
        else:
            self._on_sent()

    def _after(self, seconds: float) -> None:
        clock = self._server.stage.clock
        self._next = clock.call_at(clock.current_time() + seconds, self._next_piece)

    def end(self) -> None:
        """Hand over nothing more, and let go of who waited for it."""
        self._on_sent = self._on_broken = _nobody_waits
        self._pieces.clear()
        if self._next is not None:
            self._next.cancel()
        if self._room is not None:
            self._room.end()


def _nobody_waits() -> None:
    """The connection has ended."""
