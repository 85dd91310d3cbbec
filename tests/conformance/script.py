"""What a case is made of: the steps that a client and a server play, and the case itself."""

import re
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import pairwise
from typing import Final

import attrs

from tests.conformance.seen import Seen

Predicate = Callable[[Seen], str | None]
"""Looks at what was seen; returns what is wrong, or ``None``."""


class Direction(Enum):
    """Whose bytes the case is about."""

    REQUEST = "request"
    RESPONSE = "response"


class Ending(Enum):
    """What the client does once it has its answers."""

    CLOSED = "wait until the proxy closes"
    BARRIER = "ask for /barrier on the same connection; whatever was left over would answer it"
    NOTHING = "leave"


@attrs.frozen(slots=True)
class Send:
    """Client or server: send ``pieces`` one after the other, each in a segment of its own."""

    pieces: tuple[bytes, ...]


@attrs.frozen(slots=True)
class Answers:
    """Client: wait until ``count`` final answers are complete, or the connection ended."""

    count: int = 1


@attrs.frozen(slots=True)
class Heard:
    """Either side: wait until these bytes have come, or the connection ended."""

    data: bytes


@attrs.frozen(slots=True)
class Reached:
    """Client: wait until these bytes have come to the server."""

    data: bytes


@attrs.frozen(slots=True)
class Played:
    """Client: wait until the server has played ``count`` scripts to their ends.

    Without it, what a server says behind its answer may come after the next request
    was sent on that connection, and then nobody can tell it from an answer.
    """

    count: int = 1


@attrs.frozen(slots=True)
class Sleep:
    """Either side: let time pass; only in virtual time."""

    seconds: float


@attrs.frozen(slots=True)
class Gone:
    """Either side: wait until the other end has ended the connection."""


@attrs.frozen(slots=True)
class Whole:
    """Server: wait until the request is complete."""


@attrs.frozen(slots=True)
class Usual:
    """Server: answer 200 with a body that names the target."""


@attrs.frozen(slots=True)
class Tunnel:
    """Server: from here on the bytes after this request are no HTTP."""


@attrs.frozen(slots=True)
class HalfClose:
    """Either side: send FIN and go on reading."""


@attrs.frozen(slots=True)
class Close:
    """Either side: close."""


@attrs.frozen(slots=True)
class Reset:
    """Either side: close with RST."""


Step = (
    Send | Answers | Heard | Reached | Played | Sleep | Gone
    | Whole | Usual | Tunnel | HalfClose | Close | Reset
)  # fmt: skip
Script = tuple[Step, ...]


@attrs.frozen(slots=True, kw_only=True)
class Case:
    """One conversation and what has to be true of it."""

    id: str
    rule: str
    client: Script
    server: tuple[Script, ...] = ()
    """The scripts of the first, second, … request that comes to the server; a
    request beyond them gets 200 and a body that names its target."""
    expect: tuple[Predicate, ...]
    must: bool = True
    direction: Direction = Direction.REQUEST
    answers: int = 1
    methods: tuple[bytes, ...] = (b"GET",)
    ending: Ending = Ending.BARRIER
    repeat: bool = False
    """Whether the last script is played for every further request, so that a proxy that
    asks again gets the same; a rule that says 502 at once is tested without it."""

    @property
    def theme(self) -> str:
        """The part of the id before the colon."""
        return self.id.partition(":")[0]


def send(*pieces: bytes) -> Send:
    """One Send step."""
    return Send(pieces)


def byte_by_byte(data: bytes) -> Send:
    """Each byte in a segment of its own."""
    return Send(tuple(data[i : i + 1] for i in range(len(data))))


def split(data: bytes, *offsets: int) -> Send:
    """``data`` cut at these offsets."""
    edges = [0, *offsets, len(data)]
    return Send(tuple(data[a:b] for a, b in pairwise(edges)))


def head(
    *lines: bytes,
    method: bytes = b"GET",
    target: bytes = b"/",
    version: bytes = b"HTTP/1.1",
    host: bytes | None = b"a.test",
) -> bytes:
    """A request head with these field lines (no checks: they may be as wrong as they like)."""
    first = [method + b" " + target + b" " + version]
    hosts = [] if host is None else [b"Host: " + host]
    return b"\r\n".join([*first, *hosts, *lines, b"", b""])


def post(body: bytes, *lines: bytes, method: bytes = b"POST", target: bytes = b"/p") -> bytes:
    """A request with a Content-Length that fits."""
    length = b"Content-Length: %d" % len(body)
    return head(length, *lines, method=method, target=target) + body


def chunked(*chunks: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """A chunked body; ``last`` may carry trailers."""
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + last


def post_chunked(raw_body: bytes, *lines: bytes, target: bytes = b"/p") -> bytes:
    """A chunked request whose body bytes are given raw."""
    return head(b"Transfer-Encoding: chunked", *lines, method=b"POST", target=target) + raw_body


DATE: Final = b"Date: Sun, 06 Nov 1994 08:49:37 GMT"


def reply(*lines: bytes, status: bytes = b"200 OK", body: bytes = b"") -> bytes:
    """A response head with exactly these lines and a Date, then ``body``."""
    return b"\r\n".join([b"HTTP/1.1 " + status, DATE, *lines, b"", b""]) + body


def sized(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with a Content-Length that fits."""
    return reply(b"Content-Length: %d" % len(body), *lines, status=status, body=body)


def answer(*steps: Step | bytes) -> Script:
    """A server script: read the whole request, then these steps; bytes are sent."""
    return (Whole(), *(Send((s,)) if isinstance(s, bytes) else s for s in steps))


def case(
    id: str,
    rule: str,
    client: bytes | Script,
    *expect: Predicate,
    server: Sequence[Script] = (),
    must: bool = True,
    answers: int = 1,
    methods: tuple[bytes, ...] | None = None,
    ending: Ending | None = None,
) -> Case:
    """A case about a request; bytes are one Send."""
    script = (Send((client,)),) if isinstance(client, bytes) else client
    closing = any(getattr(p, "closes", False) for p in expect)
    return Case(
        id=id,
        rule=rule,
        client=script,
        server=tuple(server),
        expect=expect,
        must=must,
        answers=answers,
        methods=methods or _methods_of(script, answers),
        ending=ending or (Ending.CLOSED if closing else Ending.BARRIER),
    )


PLAIN: Final = head()


def response_case(
    id: str,
    rule: str,
    server: bytes | Script | Sequence[Script],
    *expect: Predicate,
    client: bytes | Script = PLAIN,
    must: bool = True,
    answers: int = 1,
    methods: tuple[bytes, ...] | None = None,
    ending: Ending | None = None,
    repeat: bool = False,
) -> Case:
    """A case about an answer; bytes are sent once the request is complete, then kept open."""
    if isinstance(server, bytes):
        scripts: Sequence[Script] = (answer(server),)
    elif server and not isinstance(server[0], tuple):
        scripts = (server,)  # type: ignore[assignment]  # one script: told apart by its first item
    else:
        scripts = server  # type: ignore[assignment]  # several scripts
    built = case(
        id, rule, client, *expect, server=scripts, must=must, answers=answers,
        methods=methods, ending=ending,
    )  # fmt: skip
    return attrs.evolve(built, direction=Direction.RESPONSE, repeat=repeat)


def _methods_of(script: Script, answers: int) -> tuple[bytes, ...]:
    """Methods of the requests as sent: the answers' framing depends on HEAD and CONNECT."""
    sent = b"".join(b"".join(step.pieces) for step in script if isinstance(step, Send))
    first = re.match(rb"\s*([A-Z]+) ", sent)
    methods = [first[1] if first else b"GET"]
    return tuple(methods + [b"GET"] * (answers - 1))
