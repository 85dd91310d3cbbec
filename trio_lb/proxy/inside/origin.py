"""An HTTP/1.1 server on one memory stream: reads requests, gives each its turn, keeps the order.

One task reads requests and waits for answers, one watches whether the client is there;
each turn is a task of its own in the application's nursery, because it may outlive its
answer. The next request is read when the answer before it is complete.
"""

import logging
from collections.abc import Callable
from typing import Final

import trio

from trio_lb.model.message import Reject, RequestHead
from trio_lb.net.body import open_body
from trio_lb.net.h1_downstream import RequestReader
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.inbox import Inbox
from trio_lb.net.memory import MemoryStream
from trio_lb.net.relay import linger
from trio_lb.proxy.inside.answer import AnswerOut
from trio_lb.proxy.inside.fence import fenced, text_of
from trio_lb.proxy.inside.turn import Program, Turn

LINGER_SECONDS: Final = 2.0
"""How long the client may take to read an answer behind which we close."""

_FIRST_READ: Final = 16 * 1024
_MIB: Final = 1024 * 1024

# Far above what any client may send: the balancer has judged the head, and added to it.
_READER: Final = RequestReader(H11Codec(), head_size=_MIB, target_size=_MIB, header_count=10_000)

_TEXT: Final = ((b"Content-Type", b"text/plain; charset=utf-8"),)

_log = logging.getLogger("trio_lb.apps")


class Origin:
    """Serves one stream, which it owns, to its end.

    ``program`` answers the requests, in tasks of ``nursery``; ``date`` gives the Date line;
    ``name`` is what people call the application.
    """

    def __init__(
        self,
        stream: MemoryStream,
        program: Program,
        nursery: trio.Nursery,
        *,
        date: Callable[[], bytes],
        name: str,
    ) -> None:
        self._stream = stream
        self._inbox = Inbox(stream, _FIRST_READ)
        self._program = program
        self._nursery = nursery
        self._date = date
        self._name = name
        self._turn: Turn | None = None

    async def run(self) -> None:
        """Serve requests until the client has left, or nothing more may follow."""
        async with self._stream:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, nursery.cancel_scope)
                await self._serve_all()
                nursery.cancel_scope.cancel()

    async def _watch(self, scope: trio.CancelScope) -> None:
        """Notice that the client has left, whatever anybody waits for."""
        await self._stream.wait_gone()
        if self._turn is not None:
            self._turn.leave()
        scope.cancel()

    async def _serve_all(self) -> None:
        try:
            while (head := await self._next_head()) is not None:
                if isinstance(head, Reject):
                    await self._refuse(head)
                    return
                if not await self._serve(head):
                    return
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # Between requests nothing is owed to a client that left.

    async def _next_head(self) -> RequestHead | Reject | None:
        self._inbox.begin()
        while (head := _READER.next_head(self._inbox)) is None:
            if not await self._inbox.fill():
                return None
        return head

    # ------------------------------------------------------------------ one request

    async def _serve(self, head: RequestHead) -> bool:
        """Return whether another request may follow."""
        body = open_body(self._inbox, head.framing, wire=False)
        turn = Turn(self._stream, head, body, AnswerOut(self._stream, head, self._date()))
        self._turn = turn
        if head.upgrade == b"websocket":
            await self._say(turn, 501, "websockets do not lead to applications in this process")
        else:
            self._nursery.start_soon(self._take, turn, name=f"{self._name}: {head.target!r}")
            await turn.ended.wait()
        if not turn.over.is_set():
            self._stream.abort()  # Cut short: it must not look like a whole answer.
            return False
        if not await turn.drop_rest():
            await linger(self._stream, LINGER_SECONDS)
            return False
        return turn.answer.keep

    async def _take(self, turn: Turn) -> None:
        """Let the program have its turn; whatever it does, the connection hears of the end."""
        try:
            error = None
            with turn.scope:
                error = await fenced(lambda: self._program(turn))
            if not turn.over.is_set() and not turn.gone.is_set():
                await self._amend(turn, error)
            elif error is not None and not turn.gone.is_set():
                # Frameworks answer 500 and raise then: the trace is for whoever runs them.
                what = _what(turn)
                _log.error(
                    "app %s failed behind its answer to %s", self._name, what, exc_info=error
                )
            elif error is not None:
                _log.debug("app %s: its client left, and then: %s", self._name, text_of(error))
        finally:
            turn.ended.set()

    async def _amend(self, turn: Turn, error: Exception | None) -> None:
        """The program is done, and its answer is not: say so, where that can still be said."""
        what = _what(turn)
        if error is None:
            _log.error("app %s ended without a whole answer to %s", self._name, what)
        else:
            _log.error("app %s failed at %s", self._name, what, exc_info=error)
        if turn.answer.is_unsent:
            turn.answer = AnswerOut(self._stream, turn.head, self._date())
            await self._say(turn, 500, "the application failed")

    async def _say(self, turn: Turn, status: int, text: str) -> None:
        try:
            turn.answer.begin(status, _TEXT)
            await turn.answer.write(f"{text}\n".encode(), more=False)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            turn.leave()

    async def _refuse(self, reject: Reject) -> None:
        """Answer what is no request; what follows it can't be understood."""
        text = f"{reject.message}\n".encode()
        await self._stream.send_some(
            b"HTTP/1.1 %d Refused\r\n%bContent-Type: text/plain; charset=utf-8\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (reject.status, self._date(), len(text), text)
        )
        await linger(self._stream, LINGER_SECONDS)


def _what(turn: Turn) -> str:
    return f"{turn.head.method.decode()} {turn.head.target.decode()}"
