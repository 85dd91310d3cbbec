"""Heads for laws: any that the grammar draws, and any with something wrong in it."""

from hypothesis import strategies as st

TCHARS = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
VALUE_CHARS = bytes([9, *range(0x20, 0x7F), *range(0x80, 0x100)])
TARGET_CHARS = bytes(c for c in range(0x21, 0x7F) if c not in b'"#<>')

# A parser gives these a meaning, and may refuse them for it: not the grammar's business.
STEERING = {b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"}


def of_chars(chars: bytes, *, least: int = 0, most: int = 12) -> st.SearchStrategy[bytes]:
    """Bytes made of these characters only."""
    return st.lists(st.sampled_from(chars), min_size=least, max_size=most).map(bytes)


TOKENS = of_chars(TCHARS, least=1)
NAMES = TOKENS.filter(lambda name: name.lower() not in STEERING)
VALUES = of_chars(VALUE_CHARS)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=5)


def field_lines(fields: list[tuple[bytes, bytes]]) -> bytes:
    """Fields as they stand in a head, the empty line included."""
    return b"".join(name + b":" + value + b"\r\n" for name, value in fields) + b"\r\n"


@st.composite
def request_heads(draw: st.DrawFn) -> bytes:
    """A request head that the grammar draws, with one Host and nothing that steers."""
    fields = draw(FIELDS)
    fields.insert(draw(st.integers(0, len(fields))), (b"Host", b" a"))
    target = draw(of_chars(TARGET_CHARS, least=1))
    line = b"%b %b HTTP/1.%d\r\n" % (draw(TOKENS), target, draw(st.integers(0, 9)))
    return line + field_lines(fields)


@st.composite
def response_heads(draw: st.DrawFn) -> bytes:
    """A response head that the grammar draws, with nothing that steers."""
    reason = draw(st.just(b"") | VALUES.map(lambda value: b" " + value))
    status = draw(st.integers(100, 999))
    line = b"HTTP/1.%d %d%b\r\n" % (draw(st.integers(0, 9)), status, reason)
    return line + field_lines(draw(FIELDS))


SPELLINGS = st.sampled_from(
    [
        *("Host: b", "Host:", "content-length: 5", "Content-Length: 5, 5", "Content-Length: 6"),
        *("Content-Length: x", "Content-Length: +5", "Content-Length:", "Content-Length: 5 5"),
        *("Content-Length: 99999999999999999999", "Content-Length: 999999999999999999999"),
        *("Transfer-Encoding: chunked", "transfer-encoding: CHUNKED", "Transfer-Encoding: gzip"),
        *("Transfer-Encoding: gzip, chunked", "Transfer-Encoding:", "Transfer-Encoding : chunked"),
        *("Connection: close", "Connection: Upgrade", "Upgrade: x", "Expect: 100-continue"),
        *("Expect: x", "Host\t: a", "Trailer: a", "Keep-Alive: 5"),
    ]
).map(lambda line: line.encode() + b"\r\n")
"""Lines that steer a message, or look as if they did."""


@st.composite
def steered(draw: st.DrawFn, heads: st.SearchStrategy[bytes]) -> bytes:
    """A head with steering lines put in, and perhaps without its first field."""
    line, *lines = draw(heads).removesuffix(b"\r\n").splitlines(keepends=True)
    lines = lines[draw(st.integers(0, 1)) :]
    for spelled in draw(st.lists(SPELLINGS, max_size=3)):
        lines.insert(draw(st.integers(0, len(lines))), spelled)
    return line + b"".join(lines) + b"\r\n"


NOISE = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b"\x00", b"\x7f", b" ", b"\t", b":", b"\xff", b"HTTP/2.0", b"#"]
)


@st.composite
def spoiled(draw: st.DrawFn, heads: st.SearchStrategy[bytes]) -> bytes:
    """A head with noise put in, or a byte left out; it ends at its first empty line."""
    head = draw(heads)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(head) - 1))
        head = head[:at] + draw(NOISE | st.just(b"")) + head[at + draw(st.integers(0, 1)) :]
    before, empty_line, _ = (head + b"\r\n\r\n").partition(b"\r\n\r\n")
    return before + empty_line


CUTS = st.lists(st.integers(0, 120), max_size=6)
"""Offsets at which bytes may come in pieces."""
