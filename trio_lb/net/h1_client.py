"""HTTP/1.1 as a client speaks it, once over one stream: a ``Request`` out, a ``Response`` in.

It is how the program's own requests come to the proxy. The head is written from checked
text, the framing from what the body is; fields that belong to a single hop are written
anew, whatever the caller said. The other end is the proxy itself, so waits have no limit
here: the proxy's own timeouts bound them.
"""

import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio

from trio_lb.model.errors import RequestCut
from trio_lb.model.headers import Headers
from trio_lb.model.message import Framing, Length, Reject, RequestHead, ResponseHead, Unsized
from trio_lb.model.payload import Body, Payload
from trio_lb.model.request import Request
from trio_lb.model.response import Response
from trio_lb.net.body import LAST_CHUNK, BodyCut, BodyRefused, BodySource, open_body
from trio_lb.net.env import Stream
from trio_lb.net.h1_upstream import HeadCut, ResponseReader
from trio_lb.net.inbox import Inbox
from trio_lb.net.relay import send_all

ONE_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
        "http2-settings",
    }
)  # fmt: skip
"""Fields that speak of one connection, never of the message (RFC 9110 section 7.6.1)."""

_WRITTEN_ANEW: Final = ONE_HOP | {"content-length", "expect", "host"}
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_SWITCHED: Final = 101
_LAST_WORDS_SECONDS: Final = 1.0

_CUTS: Final = (
    HeadCut,
    BodyCut,
    BodyRefused,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
)


def framing_of(body: Body, headers: Headers) -> Framing:
    """How ``body`` will be framed: by its length if that is known or declared, else in chunks.

    Raises:
      ValueError: Content-Length is no number.
    """
    if isinstance(body, bytes):
        return Length(len(body)) if body else Unsized.NO_BODY
    declared = headers.get("content-length")
    if declared is None:
        return Unsized.CHUNKED
    if not _LENGTH.fullmatch(declared):
        raise ValueError(f"Content-Length: {declared!r} is not a number of bytes")
    return Length(int(declared)) if int(declared) else Unsized.NO_BODY


def write_request(request: Request) -> tuple[bytes, RequestHead]:
    """Return the head's bytes, and the head as whoever reads the answer has to know it.

    Raises:
      ValueError: Content-Length is no number.
    """
    framing = framing_of(request.body, request.headers)
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {host_of(request)}"]
    lines += [
        f"{name}: {value}"
        for name, value in request.headers.pairs()
        if name.lower() not in _WRITTEN_ANEW
    ]
    if isinstance(framing, Length):
        lines.append(f"Content-Length: {framing.size}")
    elif framing is Unsized.CHUNKED:
        lines.append("Transfer-Encoding: chunked")
    lines += ["Connection: close", "", ""]
    head = RequestHead(
        request.method.encode("ascii"),
        request.target.encode("ascii"),
        1,
        [],
        b"",
        framing,
        frozenset({b"close"}),
    )
    return "\r\n".join(lines).encode("latin-1"), head


def host_of(request: Request) -> str:
    """What Host says: as it was given, else what the target names, else where we are."""
    if (given := request.headers.get("host")) is not None:
        return given
    if "://" in request.target.partition("?")[0]:
        return re.split("[/?]", request.target.partition("://")[2], maxsplit=1)[0]
    return "localhost"


async def send_body(
    stream: Stream,
    body: Payload,
    framing: Framing,
    stall_seconds: float = math.inf,
    on_sent: Callable[[int], None] = lambda size: None,
) -> None:
    """Send ``body`` as it comes, framed as its head said; ``on_sent`` hears of each piece's size.

    Raises:
      ValueError: it is longer or shorter than was declared.
      RequestCut: it is the body of another message, which was cut.
      BodyFailed: its own iterator raised something else.
      trio.BrokenResourceError, Stalled: as ``relay.send_all``.
    """
    size = 0
    limit = framing.size if isinstance(framing, Length) else math.inf
    if framing is Unsized.NO_BODY:
        limit = 0
    is_chunked = framing is Unsized.CHUNKED
    async with _iterating(body) as pieces:
        while (piece := await _next(pieces)) is not None:
            size += len(piece)
            if size > limit:
                raise ValueError(f"the body has more than the declared {limit} bytes")
            if piece:
                data = b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
                await send_all(stream, data, stall_seconds)
                on_sent(len(piece))
    if isinstance(framing, Length) and size < limit:
        raise ValueError(f"the body ended after {size} of the declared {limit} bytes")
    if is_chunked:
        await send_all(stream, LAST_CHUNK, stall_seconds)


class BodyFailed(Exception):
    """The iterator of a body raised ``failure``: not the stream's fault, whatever class it is of."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(f"the body failed: {failure!r}")
        self.failure = failure


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(pieces)
    except StopAsyncIteration:
        return None
    except RequestCut:
        raise
    except Exception as failure:
        raise BodyFailed(failure) from failure


@asynccontextmanager
async def _iterating(body: Payload) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """Iterate, and let the iterator end its own affairs here when it is left before its end."""
    pieces = aiter(body)
    try:
        yield pieces
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _LAST_WORDS_SECONDS):
                await close()


async def read_answer(
    inbox: Inbox,
    reader: ResponseReader,
    head: RequestHead,
    on_interim: Callable[[ResponseHead], Awaitable[None]] | None = None,
) -> ResponseHead:
    """Await the final answer to ``head`` (or the 101); interim ones are for ``on_interim``.

    Raises:
      RequestCut: the stream ended without one.
    """
    while True:
        try:
            answer = await reader.read(inbox, head)
        except _CUTS as cut:
            raise RequestCut("the request was cut before it was answered") from cut
        if isinstance(answer, Reject):
            raise RequestCut(f"the answer is not valid: {answer.message}")
        if answer.status >= 200 or answer.status == _SWITCHED:
            return answer
        if on_interim is not None:
            await on_interim(answer)


def response_of(
    answer: ResponseHead,
    inbox: Inbox,
    *,
    end: Callable[[], None],
    close: Callable[[], Awaitable[None]],
) -> Response:
    """Make what a program reads of an answer whose body follows in ``inbox``.

    ``end`` is called once the body has been read, or was cut; ``close`` when the program
    gives it up.
    """
    headers = [
        (name.decode("ascii"), value.decode("latin-1"))
        for lower, name, value in answer.fields
        if lower.decode("ascii") not in ONE_HOP
    ]
    if answer.upgrade is not None:
        headers.append(("Upgrade", answer.upgrade.decode("latin-1")))
    source = open_body(inbox, answer.framing, wire=False, nominated=answer.connection)
    if source.at_end():
        end()
        return Response(answer.status, headers, close=close)
    return Response(answer.status, headers, AnswerBody(source, end), close=close)


class AnswerBody:
    """The pieces of an answer's body, as they come. An iterator; it may be left at any time."""

    def __init__(self, source: BodySource, end: Callable[[], None]) -> None:
        self._source = source
        self._end = end

    def __aiter__(self) -> "AnswerBody":
        return self

    async def __anext__(self) -> bytes:
        """Await the next piece.

        Raises:
          RequestCut: the answer ended before its end.
        """
        try:
            piece = await self._source.receive()
        except _CUTS as cut:
            self._end()
            raise RequestCut(f"the answer was cut short: {cut}") from cut
        if not piece:
            self._end()
            raise StopAsyncIteration
        return piece
