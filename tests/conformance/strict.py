"""A strict HTTP/1.1 message parser: RFC 9112's grammar and none of its leniency.

It judges what the proxy *emits*, so it has no reason to forgive: a sender must
generate the grammar, whatever recipients are asked to tolerate. It shares no code
with the product and none with h11; a fault in both would have to be made twice.

Bytes come in, messages come out; ``None`` means "a prefix of a message", and
``Violation`` names the rule that is broken. A prefix is judged as far as it can be:
every complete line of it already has to be right.

One deliberate width: a request target may hold the characters that the WHATWG URL
standard lets browsers send raw (``| [ ] \\ ^ ` { }`` and a stray ``%``). RFC 3986 has
no place for them, but 9110 §7.7 forbids a proxy to rewrite the path, and every
deployed server takes them.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

import attrs

Field = tuple[bytes, bytes]


class Violation(Exception):
    """A rule is broken: ``rule`` is its name, ``detail`` the bytes that broke it."""

    def __init__(self, rule: str, detail: bytes = b"") -> None:
        super().__init__(f"{rule}: {detail[:120]!r}")
        self.rule = rule
        self.detail = detail


class Framing(Enum):
    """How the end of a body is known (9112 §6.3)."""

    NONE = "none"
    LENGTH = "content-length"
    CHUNKED = "chunked"
    CLOSE = "until close"


@attrs.frozen(slots=True)
class Head:
    """Start line parts and fields; for a response ``start`` is version, status, reason."""

    start: tuple[bytes, bytes, bytes]
    fields: tuple[Field, ...]
    size: int
    """Bytes up to and with the empty line."""

    def values(self, name: bytes) -> list[bytes]:
        """Every value of the field ``name``, one for each line, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def options(self, name: bytes) -> list[bytes]:
        """The elements of a comma-separated field, lower case, over all of its lines."""
        parts = b",".join(self.values(name)).lower().split(b",")
        return [part.strip() for part in parts if part.strip()]


@attrs.frozen(slots=True)
class Message:
    """One complete request or response."""

    head: Head
    framing: Framing
    body: bytes
    trailers: tuple[Field, ...]
    size: int

    @property
    def status(self) -> int:
        """The status code, of a response."""
        return int(self.head.start[1])

    @property
    def method(self) -> bytes:
        """The method, of a request."""
        return self.head.start[0]

    @property
    def target(self) -> bytes:
        """The request target."""
        return self.head.start[1]


_TCHAR: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_TOKEN: Final = re.compile(_TCHAR + rb"+")
_VALUE: Final = re.compile(
    rb"(?:[\x21-\x7e\x80-\xff](?:[\x20\t\x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"
)
_REASON: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_PATH: Final = rb"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/|\[\]\\^`{}]*"
_QUERY: Final = rb"(?:\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?|\[\]\\^`{}]*)?"
_ORIGIN_FORM: Final = re.compile(_PATH + _QUERY)
_REG_NAME: Final = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*"
_HOST: Final = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|\[v[0-9A-Fa-f]+\.[^\]\s]+\]|" + _REG_NAME + rb")(?::[0-9]*)?"
)
_ABSOLUTE_FORM: Final = re.compile(
    rb"[A-Za-z][A-Za-z0-9+\-.]*://[^/?#\s]+(?:" + _PATH + rb")?" + _QUERY
)
_AUTHORITY_FORM: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~]+):[0-9]+")
_QUOTED: Final = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_CHUNK_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,16})((?:;" + _TCHAR + rb"+(?:=(?:" + _TCHAR + rb"+|" + _QUOTED + rb"))?)*)"
)
# Trailers may not say how the message is framed, routed or authenticated (9110 §6.5.1).
_NOT_IN_TRAILERS: Final = frozenset(
    b"transfer-encoding content-length host connection te trailer upgrade keep-alive "
    b"proxy-connection max-forwards expect range authorization proxy-authorization set-cookie "
    b"cookie content-type content-encoding content-range cache-control via x-forwarded-for".split()
)


def _lines(data: bytes, at: int = 0) -> Iterator[tuple[bytes, int]]:
    """Each complete CRLF line from ``at`` on, with the offset after it."""
    while True:
        end = data.find(b"\n", at)
        line = data[at:] if end < 0 else data[at:end]
        if b"\r" in line[:-1]:
            raise Violation("bare CR", line)
        if end < 0:
            return
        if not line.endswith(b"\r"):
            raise Violation("bare LF", line)
        yield line[:-1], end + 1
        at = end + 1


def _field(line: bytes) -> Field:
    name, colon, value = line.partition(b":")
    if line[:1] in (b" ", b"\t"):
        raise Violation("obs-fold", line)
    if not colon or not _TOKEN.fullmatch(name):
        raise Violation("field name", line)
    value = value.strip(b" \t")
    if not _VALUE.fullmatch(value):
        raise Violation("field value", line)
    return name, value


def _fields(data: bytes, at: int) -> tuple[tuple[Field, ...], int] | None:
    """Field lines from ``at`` up to the empty line, and the offset after it."""
    fields: list[Field] = []
    for line, after in _lines(data, at):
        if not line:
            return tuple(fields), after
        fields.append(_field(line))
    return None


def read_head(data: bytes, *, response: bool = False) -> Head | None:
    """Read a start line and its fields; ``None`` while the empty line is missing."""
    first = next(_lines(data), None)
    if first is None:
        return None
    line, at = first
    start = _status_line(line) if response else _request_line(line)
    read = _fields(data, at)
    return None if read is None else Head(start, read[0], read[1])


def _request_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise Violation("request line", line)
    method, target, version = parts
    if not _TOKEN.fullmatch(method):
        raise Violation("method", line)
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Violation("version", line)
    if not _target_is_valid(method, target):
        raise Violation("target", line)
    return method, target, version


def _target_is_valid(method: bytes, target: bytes) -> bool:
    """The four forms of 9112 §3.2, each with the method that it belongs to."""
    if method == b"CONNECT":
        return _AUTHORITY_FORM.fullmatch(target) is not None
    if target == b"*":
        return method == b"OPTIONS"
    return bool(_ORIGIN_FORM.fullmatch(target) or _ABSOLUTE_FORM.fullmatch(target))


def _status_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    version, space, rest = line.partition(b" ")
    status, second, reason = rest[:3], rest[3:4], rest[4:]
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Violation("version", line)
    # 9112 §4: the space before the reason is sent even when the reason is empty.
    if not space or second != b" " or not re.fullmatch(rb"[1-5][0-9]{2}", status):
        raise Violation("status line", line)
    if not _REASON.fullmatch(reason):
        raise Violation("reason phrase", line)
    return version, status, reason


def _declared(head: Head) -> tuple[Framing, int]:
    """What Content-Length or Transfer-Encoding declare; NONE when neither is there."""
    lengths, codings = head.values(b"content-length"), head.values(b"transfer-encoding")
    if lengths and codings:
        raise Violation("content-length with transfer-encoding", lengths[0])
    if codings:
        # A gateway that takes nothing apart has one coding to speak of.
        if len(codings) != 1 or codings[0].lower() != b"chunked":
            raise Violation("transfer-encoding", b", ".join(codings))
        if b"HTTP/1.0" in head.start:
            raise Violation("transfer-encoding in HTTP/1.0", codings[0])
        return Framing.CHUNKED, 0
    if lengths:
        if len(lengths) != 1 or not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
            raise Violation("content-length", b", ".join(lengths))
        return Framing.LENGTH, int(lengths[0])
    return Framing.NONE, 0


def check_host(head: Head) -> None:
    """Exactly one valid Host in an HTTP/1.1 request (9112 §3.2)."""
    hosts = head.values(b"host")
    if len(hosts) != 1 and (hosts or head.start[2] == b"HTTP/1.1"):
        raise Violation("host count", b", ".join(hosts))
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise Violation("host", hosts[0])


def read_request(data: bytes) -> Message | None:
    """Read one request from the beginning of ``data``; ``None`` while it is incomplete."""
    head = read_head(data)
    if head is None:
        return None
    check_host(head)
    framing, length = _declared(head)
    return _read_body(data, head, framing, length)


def read_response(data: bytes, method: bytes = b"GET", *, ended: bool = False) -> Message | None:
    """Read one response to ``method``; ``ended``: an orderly end of file follows ``data``."""
    head = read_head(data, response=True)
    if head is None:
        return None
    status = head.start[1]
    bodiless = method == b"HEAD" or status == b"304"
    if status[:1] == b"1" or status == b"204" or (method == b"CONNECT" and status[:1] == b"2"):
        # 9110 §8.6, 9112 §6.1: these may not even declare a body.
        for name in (b"content-length", b"transfer-encoding"):
            if head.values(name):
                raise Violation(f"{name.decode()} in {status.decode()}", head.values(name)[0])
        bodiless = True
    framing, length = _declared(head)
    if bodiless:
        return Message(head, Framing.NONE, b"", (), head.size)
    if framing is Framing.NONE:
        body = data[head.size :]
        return Message(head, Framing.CLOSE, body, (), len(data)) if ended else None
    return _read_body(data, head, framing, length)


def _read_body(data: bytes, head: Head, framing: Framing, length: int) -> Message | None:
    if framing is Framing.CHUNKED:
        return _read_chunked(data, head)
    end = head.size + length
    if len(data) < end:
        return None
    return Message(head, framing, data[head.size : end], (), end)


def _read_chunked(data: bytes, head: Head) -> Message | None:
    body, at = b"", head.size
    while (first := next(_lines(data[: _line_end(data, at)], at), None)) is not None:
        line, at = first
        match = _CHUNK_LINE.fullmatch(line)
        if match is None:
            raise Violation("chunk line", line)
        size = int(match[1], 16)
        if size == 0:
            return _read_trailers(data, head, body, at)
        body += data[at : at + size]
        after = data[at + size : at + size + 2]
        if not b"\r\n".startswith(after):
            raise Violation("chunk data without CRLF", after)
        if len(after) < 2:
            return None
        at += size + 2
    return None


def _line_end(data: bytes, at: int) -> int:
    """Where the line that begins at ``at`` ends: what follows it is data, not lines."""
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end + 1


def _read_trailers(data: bytes, head: Head, body: bytes, at: int) -> Message | None:
    read = _fields(data, at)
    if read is None:
        return None
    for name, value in read[0]:
        if name.lower() in _NOT_IN_TRAILERS:
            raise Violation("trailer field", name + b": " + value)
    return Message(head, Framing.CHUNKED, body, read[0], read[1])


@attrs.frozen(slots=True)
class Flow:
    """All messages of one direction of a connection, and what stood after the last."""

    messages: tuple[Message, ...]
    rest: bytes
    violation: Violation | None = None
    tunnel: bytes = b""
    """What came after a 101: not HTTP any more."""

    @property
    def finals(self) -> tuple[Message, ...]:
        """The responses that are no 1xx; a 101 is final."""
        return tuple(m for m in self.messages if m.status >= 200 or m.status == 101)


def read_requests(data: bytes) -> Flow:
    """Read one request after the other, up to the end or the first violation."""
    messages: list[Message] = []
    try:
        while data and (message := read_request(data)) is not None:
            messages.append(message)
            data = data[message.size :]
    except Violation as violation:
        return Flow(tuple(messages), data, violation)
    return Flow(tuple(messages), data)


def read_responses(data: bytes, methods: list[bytes], *, ended: bool = False) -> Flow:
    """Read the responses to requests of these ``methods``; one too many is a violation."""
    messages: list[Message] = []
    waiting = list(methods)
    try:
        while data:
            if not waiting:
                raise Violation("bytes after the last answer", data)
            message = read_response(data, waiting[0], ended=ended)
            if message is None:
                break
            messages.append(message)
            data = data[message.size :]
            if message.status == 101 or (waiting[0] == b"CONNECT" and message.status // 100 == 2):
                return Flow(tuple(messages), b"", None, data)
            if message.status >= 200:
                waiting.pop(0)
    except Violation as violation:
        return Flow(tuple(messages), data, violation)
    return Flow(tuple(messages), data)
