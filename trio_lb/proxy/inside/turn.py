"""One request's turn at an application: the request, its answer, and whether the client is there.

A turn may outlive its answer (work that an application does in the background), and its
client. Who stays after a client that left is asked to end, and is ended a little later.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from trio_lb.model.message import RequestHead
from trio_lb.net.body import BodyCut, BodyRefused, BodySource
from trio_lb.net.env import Stream
from trio_lb.proxy.inside.answer import CONTINUE, AnswerOut

FAREWELL_SECONDS: Final = 5.0
"""How long an application may tidy up after its client has left; then it is cancelled."""

DROP_SECONDS: Final = 2.0
DROP_BYTES: Final = 256 * 1024
"""So much of an upload that nobody read is taken, so that the connection can be used again."""


class Turn:
    """What an application gets for one request. ``scope`` is what it runs under.

    ``over`` is set when the answer is complete, ``gone`` when the client has left before that.
    ``ended`` is set when the connection need not wait for more: the answer is complete, the
    program has ended without one, or nobody is there.
    """

    def __init__(
        self, stream: Stream, head: RequestHead, body: BodySource, answer: AnswerOut
    ) -> None:
        self.head = head
        self.answer = answer
        self.scope = trio.CancelScope()
        self.farewell_seconds = FAREWELL_SECONDS
        self.gone = trio.Event()
        self.ended = trio.Event()
        self._reading = trio.Lock()
        self._wait: trio.CancelScope | None = None
        answer.on_done = self.ended.set
        self._stream = stream
        self._body = body
        self._owes_continue = head.expects_continue and not body.at_end()

    @property
    def over(self) -> trio.Event:
        """Set when nothing of the answer is left to be sent."""
        return self.answer.done

    @property
    def has_body(self) -> bool:
        """Whether any of the request's body was not read yet."""
        return not self._body.at_end()

    async def read(self) -> bytes | None:
        """Wait for the next piece of the body; b"" at its end, None when nobody sends it.

        Nobody does once the client has left, or the answer is complete.
        """
        await trio.lowlevel.checkpoint()
        async with self._reading:
            if self.gone.is_set() or self.over.is_set():
                return None
            with trio.CancelScope() as self._wait:
                return await self._receive()
            return None

    async def _receive(self) -> bytes | None:
        try:
            await self._invite()
            return await self._body.receive()
        except (BodyCut, BodyRefused, trio.BrokenResourceError, trio.ClosedResourceError):
            self.leave()
            return None

    async def drop_rest(self) -> bool:
        """Take what is left of the body behind a complete answer; True if that was all.

        A body that was not asked for yet, is too long, or does not come is left where it is.
        """
        if self._wait is not None:
            self._wait.cancel()
        if self._owes_continue:
            return self._body.at_end()
        dropped = 0
        async with self._reading:
            with trio.move_on_after(DROP_SECONDS):
                while dropped < DROP_BYTES and (piece := await self._receive()):
                    dropped += len(piece)
        return self._body.at_end()

    async def _invite(self) -> None:
        """Ask for the body if the client waits to be asked (RFC 9110 section 10.1.1)."""
        if self._owes_continue and self.answer.is_unsent:
            await self._stream.send_some(CONTINUE)
        self._owes_continue = False

    def leave(self) -> None:
        """Tell the application that its client has left, and give it a little time."""
        if not self.over.is_set() and not self.gone.is_set():
            self.gone.set()
            self.ended.set()
            self.scope.deadline = trio.current_time() + self.farewell_seconds


Program = Callable[[Turn], Awaitable[None]]
"""Answers one turn. Whatever it raises is an error of the application."""
