"""A request of the program's own, from a value to a value, through the whole data path.

It goes through the door as bytes, so that limits, retries, streaming, timeouts and books
are those of every other request. Its body is sent by a task beside the one that awaits
the answer: an answer may begin before the request has ended, and both flow on.
"""

import math

import trio

from trio_lb.app.door import Door
from trio_lb.model.errors import RequestCut
from trio_lb.model.message import Framing
from trio_lb.model.request import Request
from trio_lb.model.response import Response
from trio_lb.net.env import Stream
from trio_lb.net.h1_client import BodyFailed, read_answer, response_of, send_body, write_request
from trio_lb.net.h1_upstream import ResponseReader
from trio_lb.net.inbox import Inbox
from trio_lb.net.relay import send_all
from trio_lb.proxy.dispatch import Router

_FIRST_READ_BYTES = 16 * 1024


async def route(
    door: Door,
    router: Router,
    reader: ResponseReader,
    request: Request,
    *,
    scheme: str,
) -> Response:
    """Send ``request`` through ``door`` and return its answer, whose body streams.

    Cancelled, it takes the request back: the attempt under way ends, too.

    Raises:
      ValueError: the body has not the length that was declared.
      RequestCut: the balancer was stopped in its middle.
      Exception: whatever the body's own iterator raised.
      trio.ClosedResourceError: the balancer has ended.
    """
    head_bytes, head = write_request(request)
    stream = door.enter(router, request.client, scheme)
    errand = _Errand(stream, request, head.framing)
    try:
        errand.begin(door, head_bytes)
        inbox = Inbox(stream, _FIRST_READ_BYTES)
        answer = await read_answer(inbox, reader, head)
        return response_of(answer, inbox, end=errand.end, close=errand.aclose)
    except RequestCut:
        errand.end()  # Raises what cut it, if that was the body.
        raise
    except BaseException:
        errand.give_up()
        raise


class _Errand:
    """A stream through the door, and the task that sends a body through it if one is needed."""

    def __init__(self, stream: Stream, request: Request, framing: Framing) -> None:
        self._failure: Exception | None = None
        self._stream = stream
        self._request = request
        self._framing = framing
        self._rest: bytes | memoryview = b""
        self._upload = trio.CancelScope()

    def begin(self, door: Door, head: bytes) -> None:
        """Hand over the request as far as it is at hand and fits; a task sends the rest."""
        if self._stream.is_stale():
            return  # It was turned away: the answer is there already.
        body = self._request.body
        whole = head + body if isinstance(body, bytes) else head
        sent = self._stream.send_nowait(whole)
        self._rest = memoryview(whole)[sent:]
        if self._rest or not isinstance(body, bytes):
            door.start_soon(self._send, name=f"the body of {self._request!r}")

    async def _send(self) -> None:
        with self._upload:
            try:
                await self._send_rest()
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # Whoever reads the answer learns why.
            except BodyFailed as failed:
                self._fail(failed.failure)
            except Exception as failure:
                self._fail(failure)

    def _fail(self, failure: Exception) -> None:
        self._failure = failure
        self._stream.abort()

    async def _send_rest(self) -> None:
        await send_all(self._stream, self._rest, math.inf)
        if not isinstance(self._request.body, bytes):
            await send_body(self._stream, self._request, self._framing)

    def end(self) -> None:
        """The answer has been read, or was cut: nobody wants the rest of the request.

        Raises:
          Exception: what ended the request's own body, and so the answer.
        """
        self._upload.cancel()
        self._stream.close()
        if self._failure is not None:
            raise self._failure

    def give_up(self) -> None:
        """Take the request back."""
        self._upload.cancel()
        self._stream.abort()

    async def aclose(self) -> None:
        """Let go of the answer; before its end that is ``give_up``."""
        self.give_up()
        await trio.lowlevel.checkpoint()
