"""As much of HTTP/1.1 as the actors speak: written apart from the product, so that it can judge it.

What comes must be framed exactly; anything else is ``Garbled``. Bodies are made of the request's
number, so that a byte of another request, or one too many, is seen.
"""

import re
from enum import Enum
from typing import Final

from trio_lb.sim.happening import AGENT

MOST_HEAD_BYTES: Final = 1024 * 1024
"""A head that goes on for longer than this has no end."""

_AGENT: Final = f"\r\nuser-agent: {AGENT}".encode()
_END: Final = b"\r\n\r\n"
_HEX: Final = re.compile(rb"[0-9a-fA-F]{1,16}")
_TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SHOWN_BYTES: Final = 40
"""Of what is no request line."""
_MOST_CHUNK_LINE_BYTES: Final = 4096


class Garbled(ValueError):
    """Not HTTP, or not framed as it says."""


class Framing(Enum):
    """How a body ends."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until close"


class Head:
    """The head of a message: its first line, and fields that are found by lower-case names."""

    __slots__ = ("_low", "_raw", "line")

    def __init__(self, raw: bytes) -> None:
        self.line, _, _ = raw.partition(b"\r\n")
        self._raw = raw
        self._low = raw.lower()

    def get(self, name: bytes) -> bytes | None:
        """Return the value of the first field of that (lower-case) name."""
        begin = self._low.find(b"\r\n" + name + b":")
        if begin < 0:
            return None
        begin += len(name) + 3
        end = self._raw.find(b"\r\n", begin)
        return self._raw[begin : end if end >= 0 else len(self._raw)].strip(b" \t")

    def _only(self, name: bytes) -> bytes | None:
        """Return the value of a field that must not be there twice, in lower case."""
        if self._low.count(b"\r\n" + name + b":") > 1:
            raise Garbled(f"more than one {name.decode()}")
        value = self.get(name)
        return None if value is None else value.lower()

    def fields(self) -> list[tuple[bytes, bytes]]:
        """Return all fields, as they were written."""
        lines = self._raw.split(b"\r\n")[1:]
        parted = [line.partition(b":") for line in lines]
        return [(name, value.strip(b" \t")) for name, _, value in parted]

    @property
    def size(self) -> int:
        """How many bytes it has, without the empty line."""
        return len(self._raw)

    @property
    def method(self) -> str:
        """The method of a request.

        Raises:
          Garbled: it can't be one.
        """
        method, _, _ = self.line.partition(b" ")
        if not _TOKEN.fullmatch(method):
            raise Garbled(f"request line {self.line[:_SHOWN_BYTES]!r}")
        return method.decode("ascii")

    @property
    def number(self) -> int:
        """The number of the simulated request in ``User-Agent``; 0: there is none."""
        begin = self._low.find(_AGENT)
        if begin < 0:
            return 0
        begin += len(_AGENT)
        end = self._low.find(b"\r\n", begin)
        digits = self._low[begin : end if end >= 0 else len(self._low)]
        return int(digits) if digits.isdigit() else 0

    @property
    def keeps_alive(self) -> bool:
        """Whether another message may follow on the connection."""
        return b"close" not in (self.get(b"connection") or b"").lower()

    def framing(self) -> tuple[Framing, int]:
        """Return how the body ends, as the fields say, and its length.

        Raises:
          Garbled: they say what can't be.
        """
        low = self._low
        if b"\r\ncontent-length:" not in low and b"\r\ntransfer-encoding:" not in low:
            return Framing.NONE, 0  # Most requests.
        coding, length = self._only(b"transfer-encoding"), self._only(b"content-length")
        if coding is not None:
            if coding != b"chunked" or length is not None:
                raise Garbled(f"transfer-encoding {coding!r}, content-length {length!r}")
            return Framing.CHUNKED, 0
        if length is None or not length.isdigit():
            raise Garbled(f"content-length {length!r}")
        return Framing.LENGTH, int(length)


class MessageReader:
    """Takes bytes as they come and gives one message after the other.

    ``head`` is there as soon as it is whole, ``body`` holds what came of the body so far;
    ``is_whole`` says that nothing is missing. ``next_message`` goes on to the next one.
    """

    __slots__ = ("_framing", "_missing", "_raw", "body", "head", "is_whole")

    def __init__(self) -> None:
        self._raw = bytearray()
        self._framing = Framing.NONE
        self._missing = 0
        self.head: Head | None = None
        self.body = b""
        self.is_whole = False

    @property
    def has_begun(self) -> bool:
        """Whether anything came of a message that is not whole yet."""
        return not self.is_whole and (self.head is not None or bool(self._raw))

    @property
    def buffered(self) -> int:
        """How many bytes wait behind what was read of this message."""
        return len(self._raw)

    def feed(self, data: bytes) -> None:
        """Take bytes of the stream.

        Raises:
          Garbled: they can't be what they should.
        """
        self._raw += data
        if self.head is not None:
            self._read_body()

    def read_head(self) -> Head | None:
        """Return the head of the message that comes, once it is whole."""
        if self.head is None:
            end = self._raw.find(_END)
            if end < 0:
                if len(self._raw) > MOST_HEAD_BYTES:
                    raise Garbled("a head without an end")
                return None
            self.head = Head(bytes(self._raw[:end]))
            del self._raw[: end + 4]
        return self.head

    def expect(self, framing: Framing, length: int = 0) -> None:
        """Say how the body of this message ends."""
        self._framing, self._missing = framing, length
        self._read_body()

    def end_of_stream(self) -> None:
        """Nothing more comes: a message that ends so is whole now."""
        if self.head is not None and self._framing is Framing.UNTIL_CLOSE:
            self.is_whole = True

    def next_message(self) -> None:
        """Forget the message, which is whole, and go on to what follows."""
        self.head, self.body, self.is_whole = None, b"", False

    def _read_body(self) -> None:
        match self._framing:
            case Framing.NONE:
                self.is_whole = True
            case Framing.LENGTH:
                self._take(self._missing)
                self.is_whole = not self._missing
            case Framing.UNTIL_CLOSE:
                self._missing = len(self._raw)
                self._take(self._missing)
            case Framing.CHUNKED:
                while not self.is_whole and self._read_chunk():
                    pass

    def _take(self, most: int) -> None:
        piece = bytes(self._raw[:most])
        del self._raw[: len(piece)]
        self._missing -= len(piece)
        self.body = self.body + piece if self.body else piece

    def _read_chunk(self) -> bool:
        """Read one chunk if it is there as a whole, the last one with its trailer."""
        line_end = self._raw.find(b"\r\n")
        if line_end < 0:
            if len(self._raw) > _MOST_CHUNK_LINE_BYTES:
                raise Garbled("the line of a chunk's size has no end")
            return False
        digits = bytes(self._raw[:line_end]).partition(b";")[0].strip()
        if not _HEX.fullmatch(digits):
            raise Garbled(f"chunk size {digits!r}")
        size = int(digits, 16)
        if not size:
            end = self._raw.find(_END, line_end)
            self.is_whole = end >= 0
            if self.is_whole:
                del self._raw[: end + 4]
            return False
        if len(self._raw) < line_end + 2 + size + 2:
            return False
        begin = line_end + 2
        if self._raw[begin + size : begin + size + 2] != b"\r\n":
            raise Garbled("a chunk is longer than it says")
        self.body += bytes(self._raw[begin : begin + size])
        del self._raw[: begin + size + 2]
        return True


def body_of(number: int, size: int) -> bytes:
    """Return ``size`` bytes that belong to that request and to no other.

    Its number again and again: what is cut, shifted or mixed differs somewhere.
    """
    unit = b"%d " % number
    return (unit * (size // len(unit) + 1))[:size]


def request_head(
    number: int, method: str, target: str, host: str, size: int, more: str = ""
) -> bytes:
    """Return the head of a client's request with a body of that size; ``more`` are whole lines."""
    length = (
        "" if method in ("GET", "HEAD", "DELETE") and not size else f"Content-Length: {size}\r\n"
    )
    return (
        f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {AGENT}{number}\r\n"
        f"Accept: */*\r\n{length}{more}\r\n"
    ).encode()


def answer_head(status: int, size: int | None, server: str, more: str = "") -> bytes:
    """Return the head of a server's answer; size None: in chunks; ``more`` are whole lines."""
    framing = "Transfer-Encoding: chunked" if size is None else f"Content-Length: {size}"
    return (
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}\r\n"
        f"{framing}\r\nX-Served-By: {server}\r\n{more}\r\n"
    ).encode()


def chunk(data: bytes) -> bytes:
    """Return one chunk; that of no data is the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


_REASONS: Final = {
    200: "OK",
    204: "No Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
