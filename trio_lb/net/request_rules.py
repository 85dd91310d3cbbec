"""What a request's fields mean: every check of RFC 9110/9112 that grammar can't make.

One pass over the fields collects the few that steer the message; then each rule
looks at what it needs. A parser's leniency ends here: whatever comes out can be
forwarded without a doubt about where the message ends.
"""

import ipaddress
import re

from trio_lb.model.message import Framing, Length, Reject, RequestHead, Unsized
from trio_lb.net.codec import RawRequest

_STEERING = frozenset(
    {
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"expect",
        b"upgrade",
        b"max-forwards",
    }
)

_NAME_CHARACTERS = rb"A-Za-z0-9\-._~!$&'()*+;="
AUTHORITY = re.compile(
    rb"(?:\[([0-9A-Fa-f:.]+)\]|\[v[0-9A-Fa-f]+\.["
    + _NAME_CHARACTERS
    + rb":]+\]|(?:["
    + _NAME_CHARACTERS
    + rb"]|%[0-9A-Fa-f]{2})+)(?::([0-9]{0,5}))?"
)
"""``uri-host [ ":" port ]`` of RFC 3986, not empty and without userinfo (RFC 9110 4.2.4).

No comma, though a name may have one: two Hosts that somebody joined to a list look like that.

A port has no more digits than ports have: Python refuses to read numbers of thousands, and so
may others. What this matches may still be no authority: see ``is_authority``."""

_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]*)([/?].*)?", re.DOTALL)
_DIGITS = re.compile(rb"[0-9]{1,18}")
"""At most 10^18 - 1 bytes: no number can wrap anywhere behind us."""

_MAX_PORT = 65535
_CONNECT_REFUSED = Reject(405, "method_not_allowed", "CONNECT is not served here")

Steering = dict[bytes, list[bytes]]


def read_request(raw: RawRequest) -> RequestHead | Reject:
    """Check a parsed head and say what it means, or why it is refused."""
    steering: Steering = {}
    for lower, _, value in raw.fields:
        if lower in _STEERING:
            steering.setdefault(lower, []).append(value)
    connection = connection_options(steering.get(b"connection"))
    framing = _framing(raw, steering)
    if isinstance(framing, Reject):
        return framing
    place = _place(raw, steering)
    if isinstance(place, Reject):
        return place
    if len(steering) == 1 and b"host" in steering:  # By far the commonest request.
        return RequestHead(
            raw.method, place[0], raw.minor, raw.fields, place[1], framing, connection
        )
    return _with_options(raw, steering, connection, framing, place)


def connection_options(values: list[bytes] | None) -> frozenset[bytes]:
    """Split Connection fields into lower-case options."""
    if not values:
        return frozenset()
    options = (option.strip(b" \t").lower() for option in b",".join(values).split(b","))
    return frozenset(option for option in options if option)


def _framing(raw: RawRequest, steering: Steering) -> Framing | Reject:
    lengths = steering.get(b"content-length")
    encodings = steering.get(b"transfer-encoding")
    if encodings is not None:
        return _encoded(raw, encodings, lengths)
    if lengths is None:
        return Unsized.NO_BODY
    size = content_length(lengths)
    if size is None:
        return Reject(
            400, "bad_request", "Content-Length is not one decimal number of at most 18 digits"
        )
    if size and raw.method == b"TRACE":
        return Reject(400, "bad_request", "TRACE carries no body")
    return Length(size) if size else Unsized.NO_BODY


def content_length(values: list[bytes]) -> int | None:
    """Return the one number that all the fields name, or None when they don't.

    A list of equal numbers is as one (RFC 9112 section 6.3 rule 5).
    """
    numbers = {number.strip(b" \t") for value in values for number in value.split(b",")}
    if len(numbers) != 1:
        return None
    (number,) = numbers
    return int(number) if _DIGITS.fullmatch(number) else None


def _encoded(
    raw: RawRequest, encodings: list[bytes], lengths: list[bytes] | None
) -> Framing | Reject:
    """Only ``chunked``, once, alone, in HTTP/1.1 (RFC 9112 sections 6.1 and 6.3)."""
    if lengths is not None:
        return Reject(400, "bad_request", "Transfer-Encoding and Content-Length together")
    if raw.minor == 0:
        return Reject(400, "bad_request", "Transfer-Encoding in HTTP/1.0")
    codings = [coding.strip(b" \t").lower() for coding in b",".join(encodings).split(b",")]
    if codings == [b"chunked"]:
        if raw.method == b"TRACE":
            return Reject(400, "bad_request", "TRACE carries no body")
        return Unsized.CHUNKED
    if codings[-1] == b"chunked" and codings.count(b"chunked") == 1 and b"" not in codings:
        return Reject(501, "not_implemented", "a transfer coding other than chunked")
    return Reject(400, "bad_request", "Transfer-Encoding does not end in one chunked")


def _place(raw: RawRequest, steering: Steering) -> tuple[bytes, bytes] | Reject:
    """Return (target to send, authority) by the target's form (RFC 9112 section 3.2)."""
    hosts = steering.get(b"host")
    if hosts is None:
        if raw.minor > 0:
            return Reject(400, "bad_request", "no Host field")
        host = b""
    else:
        if len(hosts) > 1:
            return Reject(400, "bad_request", "more than one Host field")
        host = hosts[0]
        if not is_authority(host):
            return Reject(400, "bad_request", "Host is not host[:port]")
    target = raw.target
    if raw.method == b"CONNECT":
        return _CONNECT_REFUSED
    if target.startswith(b"/"):
        return target, host
    if target == b"*":
        if raw.method == b"OPTIONS":
            return target, host
        return Reject(400, "bad_request", "the target * belongs to OPTIONS")
    return _absolute(raw)


def is_authority(value: bytes) -> bool:
    """Whether ``value`` is ``host`` or ``host:port`` with a port that exists."""
    match = AUTHORITY.fullmatch(value)
    if match is None or (match[1] and not _is_ipv6(match[1])):
        return False
    return not match[2] or int(match[2]) <= _MAX_PORT


def _is_ipv6(text: bytes) -> bool:
    """Whether what stands in brackets is an address, not only its characters."""
    try:
        ipaddress.IPv6Address(text.decode("ascii"))
    except ValueError:
        return False
    return True


def _absolute(raw: RawRequest) -> tuple[bytes, bytes] | Reject:
    match = _ABSOLUTE.fullmatch(raw.target)
    if match is None:
        return Reject(400, "bad_request", "the target is neither /path, http://..., nor *")
    authority, rest = match[1], match[2] or b""
    if not is_authority(authority):
        return Reject(400, "bad_request", "the target's authority is not host[:port]")
    if rest.startswith(b"/"):
        return rest, authority
    if raw.method == b"OPTIONS" and not rest:
        return b"*", authority  # RFC 9112 section 3.2.4
    return b"/" + rest, authority


def _with_options(
    raw: RawRequest,
    steering: Steering,
    connection: frozenset[bytes],
    framing: Framing,
    place: tuple[bytes, bytes],
) -> RequestHead | Reject:
    expects = _expects_continue(raw, steering.get(b"expect"), framing)
    if isinstance(expects, Reject):
        return expects
    max_forwards = None
    if raw.method in (b"TRACE", b"OPTIONS"):
        max_forwards = content_length(steering.get(b"max-forwards", []))
    upgrade = None
    if b"upgrade" in steering and framing is Unsized.NO_BODY and raw.minor > 0:
        upgrade = _upgrade(steering[b"upgrade"], connection)
    return RequestHead(
        raw.method,
        place[0],
        raw.minor,
        raw.fields,
        place[1],
        framing,
        connection,
        upgrade,
        expects,
        max_forwards,
    )


def _expects_continue(
    raw: RawRequest, values: list[bytes] | None, framing: Framing
) -> bool | Reject:
    """RFC 9110 section 10.1.1: ignored from HTTP/1.0 and without a body."""
    if values is None or raw.minor == 0:
        return False
    if [value.lower() for value in values] != [b"100-continue"]:
        return Reject(417, "expectation_failed", "only 100-continue can be expected")
    return framing is not Unsized.NO_BODY


def _upgrade(values: list[bytes], connection: frozenset[bytes]) -> bytes | None:
    """The protocols to relay, or None: asked for rightly, and none of them HTTP/2."""
    if b"upgrade" not in connection:
        return None
    protocols = b", ".join(values)
    names = {name.strip(b" \t").lower() for name in protocols.split(b",")}
    return protocols if all(map(may_switch_to, names)) else None


def may_switch_to(protocol: bytes) -> bool:
    """Whether a tunnel of this name may be asked for: another HTTP is no tunnel of ours."""
    return protocol != b"" and not protocol.lower().startswith((b"h2", b"http/"))
