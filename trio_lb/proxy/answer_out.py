"""The answer as the client sees it: a server's head rewritten, or one of our own.

Sources: RFC 9110 sections 6.6.1 (Date), 7.6.1, 8.6 (no Content-Length on 1xx/204),
15.2; RFC 9112 section 6.1 (no chunked for HTTP/1.0).
"""

import json
from email.utils import formatdate
from http import HTTPStatus

from trio_lb.model.message import Length, RequestHead, ResponseHead, Unsized

_HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding",
        b"upgrade", b"content-length",
    }
)  # fmt: skip

CHUNKED_LINE = b"Transfer-Encoding: chunked\r\n"
CLOSE_LINE = b"Connection: close\r\n"
_UPGRADE_LINES = b"Connection: upgrade\r\nUpgrade: %b\r\n"


class DateLine:
    """The Date field, formatted once a second."""

    __slots__ = ("_line", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._line = b""

    def at(self, wall: float) -> bytes:
        """Return the whole line for this wall time (seconds since the epoch)."""
        second = int(wall)
        if second != self._second:
            self._second = second
            self._line = b"Date: %b\r\n" % formatdate(second, usegmt=True).encode("ascii")
        return self._line


def final_head(
    answer: ResponseHead, request: RequestHead, *, date: bytes, close: bool, extra: bytes = b""
) -> bytes:
    """Write a final response head for the client that sent ``request``."""
    parts = [b"HTTP/1.1 %d %b\r\n" % (answer.status, answer.reason)]
    dated = _copy_fields(answer, parts)
    framing = answer.framing
    if isinstance(framing, Length):
        parts.append(b"Content-Length: %d\r\n" % framing.size)
    elif framing is not Unsized.NO_BODY:
        if request.minor > 0:
            parts.append(CHUNKED_LINE)
    elif answer.declared is not None and answer.status != 204:
        parts.append(b"Content-Length: %d\r\n" % answer.declared)
    if not dated:
        parts.append(date)
    if answer.upgrade is not None and request.minor > 0:
        parts.append(_UPGRADE_LINES % answer.upgrade)
    if close:
        parts.append(CLOSE_LINE)
    parts.append(extra)
    parts.append(b"\r\n")
    return b"".join(parts)


def interim_head(answer: ResponseHead) -> bytes:
    """Write a 1xx head; a 101 names the protocol that was chosen."""
    parts = [b"HTTP/1.1 %d %b\r\n" % (answer.status, answer.reason)]
    _copy_fields(answer, parts)
    if answer.upgrade is not None:
        parts.append(_UPGRADE_LINES % answer.upgrade)
    parts.append(b"\r\n")
    return b"".join(parts)


def _copy_fields(answer: ResponseHead, parts: list[bytes]) -> bool:
    """Append the end-to-end fields in their order; say whether Date was among them."""
    connection = answer.connection
    dated = False
    for lower, name, value in answer.fields:
        if lower in _HOP_BY_HOP or (connection and lower in connection):
            continue
        if lower == b"date":
            dated = True
        parts.append(b"%b: %b\r\n" % (name, value))
    return dated


def error_answer(
    status: int,
    code: str,
    message: str,
    *,
    request_id: str,
    date: bytes,
    accept: bytes = b"",
    bodiless: bool = False,
    close: bool = True,
    retry_after_seconds: int | None = None,
) -> bytes:
    """Write a whole answer of our own: JSON when Accept asks for it, else text.

    ``message`` goes to the client, so it never names an address. ``bodiless`` leaves
    the body out and its length in, as the answer to HEAD wants it.
    """
    if b"json" in accept.lower():
        kind = b"application/json"
        error = {"code": code, "message": message, "request_id": request_id}
        body = json.dumps({"error": error}).encode() + b"\n"
    else:
        kind = b"text/plain; charset=utf-8"
        body = f"{status} {message}\nrequest {request_id}\n".encode()
    extra = b"" if retry_after_seconds is None else b"Retry-After: %d\r\n" % retry_after_seconds
    if status == 405:
        extra += b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE\r\n"
    return own_answer(status, kind, body, date=date, bodiless=bodiless, close=close, extra=extra)


def own_answer(
    status: int,
    content_type: bytes,
    body: bytes,
    *,
    date: bytes,
    bodiless: bool,
    close: bool,
    extra: bytes = b"",
) -> bytes:
    """Write a whole answer with a body of known size (left out for HEAD)."""
    head = (
        (
            b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n"
            % (status, HTTPStatus(status).phrase.encode(), content_type, len(body))
        )
        + date
        + extra
        + (CLOSE_LINE if close else b"")
        + b"\r\n"
    )
    return head if bodiless else head + body
