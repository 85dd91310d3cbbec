"""HTTP/1.1 over a stream, read to the letter, by clients and servers of the ledger.

It shares no code with the proxy that it judges. What RFC 9112 forbids is Nonsense, and
an end inside a message is an Ended that says where and how: a reader that is lenient
about either would call a lost answer complete.
"""

import re
from collections.abc import Mapping
from typing import Final

import attrs
import trio

RECEIVE_BYTES: Final = 64 * 1024
MOST_LINE_BYTES: Final = 16 * 1024
MOST_FIELDS: Final = 200

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9]) [^\x00-\x08\x0a-\x1f\x7f]*")
_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.[01]")
_FIELD: Final = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*"
)
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?")


class Nonsense(Exception):
    """The other end sent what is no HTTP/1.1; the message quotes it."""


class Ended(Exception):
    """The connection ended in ``where``, by a ``FIN`` or a ``RST``, when more was due."""

    def __init__(self, where: str, by: str) -> None:
        super().__init__(f"{by} in {where}")
        self.by = by


@attrs.frozen
class Head:
    """A start line and its fields, names in lower case; a repeated field is joined."""

    start: bytes
    fields: Mapping[str, str]

    @property
    def closes(self) -> bool:
        """Whether this message is the last one on its connection."""
        options = {each.strip() for each in self.fields.get("connection", "").lower().split(",")}
        return "close" in options or (b"HTTP/1.0" in self.start and "keep-alive" not in options)


class Wire:
    """One end of a connection; owns the stream and what was read ahead of it."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    @property
    def has_bytes(self) -> bool:
        """Whether something was read that belongs to no message yet."""
        return bool(self._buffer)

    async def wait_bytes(self) -> bool:
        """Wait for the next message's first byte; False when the connection ends instead."""
        try:
            await self._more("between messages")
        except Ended:
            return False
        return True

    async def read_head(self) -> Head:
        """Read a start line and the fields under it."""
        start = await self._line("the head")
        fields: dict[str, str] = {}
        while line := await self._line("the head"):
            match = _FIELD.fullmatch(line)
            if match is None or len(fields) >= MOST_FIELDS:
                raise Nonsense(f"field line {line!r}")
            name, value = match[1].decode().lower(), match[2].decode("latin-1")
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return Head(start, fields)

    async def read_request(self) -> tuple[Head, str, str]:
        """Read a request's head; return it with its method and target."""
        head = await self.read_head()
        match = _REQUEST_LINE.fullmatch(head.start)
        if match is None or "host" not in head.fields or "," in head.fields["host"]:
            raise Nonsense(f"request {head.start!r} with Host {head.fields.get('host')!r}")
        return head, match[1].decode(), match[2].decode()

    async def read_answer_head(self) -> tuple[Head, int]:
        """Read heads up to the final one; return it and its status."""
        while True:
            head = await self.read_head()
            match = _STATUS_LINE.fullmatch(head.start)
            if match is None or match[1] == b"101":
                raise Nonsense(f"status line {head.start!r}")
            if not match[1].startswith(b"1"):
                return head, int(match[1])

    async def read_request_body(self, head: Head) -> bytes:
        """Read the body of a request; without framing it has none."""
        if not ({"content-length", "transfer-encoding"} & head.fields.keys()):
            return b""
        return await self._framed_body(head)

    async def read_answer_body(self, head: Head, method: str, status: int) -> bytes:
        """Read the body of an answer, up to the connection's end where nothing frames it."""
        if method == "HEAD" or status in (204, 304):
            return b""
        if {"content-length", "transfer-encoding"} & head.fields.keys():
            return await self._framed_body(head)
        return await self._body_until_end()

    async def _framed_body(self, head: Head) -> bytes:
        coding, length = head.fields.get("transfer-encoding"), head.fields.get("content-length")
        if coding is not None:
            if coding.lower() != "chunked" or length is not None:
                raise Nonsense(f"Transfer-Encoding {coding!r} with Content-Length {length!r}")
            return await self._chunks()
        if length is None or not (length.isascii() and length.isdigit()):
            raise Nonsense(f"Content-Length {length!r}")
        return await self._exactly(int(length), "the body")

    async def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            line = await self._line("a chunk's size")
            match = _CHUNK_SIZE.fullmatch(line)
            if match is None:
                raise Nonsense(f"chunk size {line!r}")
            if int(match[1], 16) == 0:
                break
            body += await self._exactly(int(match[1], 16), "a chunk")
            if await self._exactly(2, "a chunk") != b"\r\n":
                raise Nonsense("a chunk that is longer than its size")
        while line := await self._line("the trailers"):
            if _FIELD.fullmatch(line) is None:
                raise Nonsense(f"trailer {line!r}")
        return bytes(body)

    async def _body_until_end(self) -> bytes:
        try:
            while True:
                await self._more("the body")
        except Ended as end:
            if end.by == "RST":
                raise
        body = bytes(self._buffer)
        self._buffer.clear()
        return body

    async def _exactly(self, count: int, where: str) -> bytes:
        while len(self._buffer) < count:
            await self._more(where)
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def _line(self, where: str) -> bytes:
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            if start > MOST_LINE_BYTES:
                raise Nonsense(f"a line of more than {MOST_LINE_BYTES} bytes in {where}")
            await self._more(where)
        line = await self._exactly(end + 1, where)
        if not line.endswith(b"\r\n"):
            raise Nonsense(f"a line that ends without CR: {line!r}")
        return line[:-2]

    async def _more(self, where: str) -> None:
        try:
            data = await self.stream.receive_some(RECEIVE_BYTES)
        except trio.BrokenResourceError:
            raise Ended(where, "RST") from None
        if not data:
            raise Ended(where, "FIN")
        self._buffer += data
