"""One answer of an application on its way out: framed, checked, and never half believed.

    AWAITED --HEAD--> BEGUN --PIECE--> FLOWING (--PIECE--> FLOWING) --LAST--> COMPLETE
                        `-------------------LAST------------------------------^

Rule 1: the head waits for the first piece, so that a whole answer carries its length, and
        so that an application that fails in between is still answered 500 for.
Rule 2: what the application says of its own body is held against it: an answer shorter or
        longer than its Content-Length never becomes complete, and is cut.
Rule 3: framing is ours. Transfer-Encoding and Connection of an application are dropped
        (RFC 9112 section 6.1); that it wants the connection closed is heard.
"""

import enum
import http
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import trio

from trio_lb.model.message import RequestHead
from trio_lb.net.env import Stream
from trio_lb.net.grammar import RESPONSE_HEAD, TOKEN
from trio_lb.net.request_rules import connection_options, content_length
from trio_lb.net.response_rules import UPGRADE_REQUIRED

LAST_CHUNK: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_OURS: Final = frozenset({b"transfer-encoding", b"connection", b"keep-alive", b"upgrade"})
_NAME: Final = re.compile(TOKEN)
_BODILESS: Final = frozenset({204, 304})


class BadAnswer(ValueError):
    """What the application says is no answer, or not in this order; its own fault."""


class Phase(enum.Enum):
    """How far the answer has come."""

    AWAITED = "nothing was said yet"
    BEGUN = "status and fields are known, and not sent"
    FLOWING = "the head was sent"
    COMPLETE = "all of it was sent"


class Signal(enum.Enum):
    """What moves it on."""

    HEAD = "status and fields"
    PIECE = "a part of the body, and more to come"
    LAST = "the last part of the body"


TRANSITIONS: Final[Mapping[Phase, Mapping[Signal, Phase]]] = {
    Phase.AWAITED: {Signal.HEAD: Phase.BEGUN},
    Phase.BEGUN: {Signal.PIECE: Phase.FLOWING, Signal.LAST: Phase.COMPLETE},
    Phase.FLOWING: {Signal.PIECE: Phase.FLOWING, Signal.LAST: Phase.COMPLETE},
    Phase.COMPLETE: {},
}


class AnswerOut:
    """Writes one answer to ``request``. ``keep`` says whether another request may follow.

    ``done`` is set, and ``on_done`` called, when all of it was sent; the application may go
    on after that.
    """

    def __init__(self, stream: Stream, request: RequestHead, date: bytes) -> None:
        self.phase = Phase.AWAITED
        self.keep = request.keep_alive
        self.done = trio.Event()
        self.on_done: Callable[[], None] = _ignore
        self._stream = stream
        self._request = request
        self._date = date
        self._status = 0
        self._head = b""
        self._declared: int | None = None
        self._is_bodiless = request.method == b"HEAD"
        self._is_chunked = False
        self._said = 0

    def _take(self, signal: Signal) -> None:
        following = TRANSITIONS[self.phase].get(signal)
        if following is None:
            raise BadAnswer(f"{signal.value} came while {self.phase.value}")
        self.phase = following

    def begin(self, status: int, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take status and fields; nothing is sent before the first piece of the body.

        Raises:
          BadAnswer: they are not those of a final answer.
        """
        if not 200 <= status <= 999:
            raise BadAnswer(f"{status} is not the status of a final answer")
        head = self._written(status, list(fields))
        if not RESPONSE_HEAD.fullmatch(head + b"\r\n"):
            raise BadAnswer("a header has a control character, which can't stand in a line")
        self._take(Signal.HEAD)
        self._status = status
        self._is_bodiless = self._is_bodiless or status in _BODILESS
        self._head = head

    def _written(self, status: int, fields: list[tuple[bytes, bytes]]) -> bytes:
        self._declared, self.keep = None, self._request.keep_alive
        lines = [b"HTTP/1.1 %d %b\r\n" % (status, _reason(status))]
        lengths, names = [], set()
        for name, value in fields:
            lower = name.lower()
            names.add(lower)
            if lower == b"connection" and b"close" in connection_options([value]):
                self.keep = False
            if lower == b"content-length":
                lengths.append(value)
            elif lower not in _OURS or (lower == b"upgrade" and status == UPGRADE_REQUIRED):
                _check_line(name, value)
                lines.append(b"%b: %b\r\n" % (name, value.strip(b" \t")))
        if lengths:
            self._declared = content_length(lengths)
            if self._declared is None:
                raise BadAnswer("Content-Length is not one number")
        if b"date" not in names:
            lines.append(self._date)
        return b"".join(lines)

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the body; waits until the other side has taken it.

        Raises:
          BadAnswer: it comes before the head, after the end, or against Content-Length.
          trio.BrokenResourceError, trio.ClosedResourceError: the client has left.
        """
        await trio.lowlevel.checkpoint()  # A flood of empty pieces must not starve others.
        before = self.phase
        if not self._is_bodiless:
            self._weigh(len(piece), more)
        # Taken before the send: who is cut in the middle of it never looks unsent. That all
        # of it was sent is what ``done`` says.
        self._take(Signal.PIECE if more else Signal.LAST)
        if before is Phase.BEGUN:
            await self._send(self._head + self._framing(len(piece), more))
        await self._send_body(piece, more)
        if not more:
            self.done.set()
            self.on_done()

    @property
    def is_unsent(self) -> bool:
        """Whether another answer can still take the place of this one."""
        return self.phase in (Phase.AWAITED, Phase.BEGUN)

    def _weigh(self, size: int, more: bool) -> None:
        """Hold the body against what was declared of it."""
        self._said += size
        declared = self._declared
        if declared is None:
            return
        if self._said > declared:
            raise BadAnswer(f"the body is longer than its Content-Length of {declared}")
        if not more and self._said < declared:
            raise BadAnswer(f"the body is {declared - self._said} bytes short of {declared}")

    def _framing(self, size: int, more: bool) -> bytes:
        """Say how the body ends, and whether the connection does (RFC 9112 section 6.3)."""
        length = self._declared
        if length is None and not more and not self._is_bodiless:
            length = size
        lines = b""
        if length is not None and self._status != 204:
            lines = b"Content-Length: %d\r\n" % length
        elif not self._is_bodiless and self._request.minor:
            lines = b"Transfer-Encoding: chunked\r\n"
            self._is_chunked = True
        elif not self._is_bodiless:
            self.keep = False
        return lines + (b"\r\n" if self.keep else b"Connection: close\r\n\r\n")

    async def _send_body(self, piece: bytes, more: bool) -> None:
        if self._is_bodiless:
            return
        if not self._is_chunked:
            await self._send(piece)
            return
        if piece:
            await self._send(b"%x\r\n" % len(piece))
            await self._send(piece)
            await self._send(b"\r\n")
        if not more:
            await self._send(LAST_CHUNK)

    async def _send(self, data: bytes) -> None:
        """Hand over what fits; wait for the reader with the rest, for as long as it takes.

        How long a reader may take is the proxy's business: it cuts who is too slow.
        """
        rest = memoryview(data)
        rest = rest[self._stream.send_nowait(rest) :]
        while rest:
            rest = rest[await self._stream.send_some(rest) :]


def _check_line(name: bytes, value: bytes) -> None:
    """See that one field is one line: a line break in it would become a field of its own."""
    if not _NAME.fullmatch(name) or b"\r" in value or b"\n" in value:
        raise BadAnswer(f"a header can't stand in a line: {name!r}")


def _reason(status: int) -> bytes:
    try:
        return http.HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b""


def _ignore() -> None:
    """Stand in until somebody waits for the end."""
