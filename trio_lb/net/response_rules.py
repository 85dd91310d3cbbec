"""What a response's fields mean; any doubt about its end is a 502 (RFC 9112 section 6.3)."""

from collections.abc import Sequence
from typing import Final

from trio_lb.model.message import Framing, Length, Reject, RequestHead, ResponseHead, Unsized
from trio_lb.net.codec import RawResponse
from trio_lb.net.request_rules import connection_options, content_length, may_switch_to

_STEERING = frozenset({b"content-length", b"transfer-encoding", b"connection", b"upgrade"})
_MAX_STATUS = 599
_BODILESS = frozenset({204, 304})

UPGRADE_REQUIRED: Final = 426


def read_response(raw: RawResponse, request: RequestHead) -> ResponseHead | Reject:
    """Check a parsed head as the answer to ``request`` and say what it means."""
    lengths: list[bytes] | None = None
    encodings: list[bytes] | None = None
    connections: list[bytes] | None = None
    upgrades: list[bytes] | None = None
    for lower, _, value in raw.fields:
        if lower in _STEERING:
            if lower == b"content-length":
                lengths = [*(lengths or ()), value]
            elif lower == b"transfer-encoding":
                encodings = [*(encodings or ()), value]
            elif lower == b"connection":
                connections = [*(connections or ()), value]
            else:
                upgrades = [*(upgrades or ()), value]
    if raw.status > _MAX_STATUS:
        return _bad("a status above 599")
    connection = connection_options(connections)
    if raw.status == 101:
        return _switch(raw, request, connection, upgrades)
    declared = None
    if lengths is not None:
        if encodings is not None:
            return _bad("Transfer-Encoding and Content-Length together")
        declared = content_length(lengths)
        if declared is None:
            return _bad("Content-Length is not one decimal number of at most 18 digits")
    framing = _framing(raw, request.method, declared, encodings)
    if isinstance(framing, Reject):
        return framing
    return ResponseHead(
        raw.status,
        raw.reason,
        raw.minor,
        raw.fields,
        framing,
        connection,
        declared,
        upgrade=required_upgrade(upgrades or ()) if raw.status == UPGRADE_REQUIRED else None,
        speaks_of_body=framing is Unsized.NO_BODY and bool(declared or encodings),
    )


def _bad(message: str) -> Reject:
    return Reject(502, "bad_response", message)


def _switch(
    raw: RawResponse,
    request: RequestHead,
    connection: frozenset[bytes],
    upgrades: list[bytes] | None,
) -> ResponseHead | Reject:
    """101 answers only a proposal, with one of the protocols proposed (RFC 9110 7.8)."""
    if request.upgrade is None:
        return _bad("101 without an upgrade asked for")
    chosen = b", ".join(upgrades or [])
    proposed = {name.strip(b" \t").lower() for name in request.upgrade.split(b",")}
    if chosen.strip(b" \t").lower() not in proposed or b"upgrade" not in connection:
        return _bad("101 to a protocol that was not asked for")
    return ResponseHead(
        101,
        raw.reason,
        raw.minor,
        raw.fields,
        Unsized.NO_BODY,
        connection,
        upgrade=chosen,
    )


def required_upgrade(upgrades: Sequence[bytes]) -> bytes | None:
    """What of it a client can switch to through us: a 426 must say (RFC 9110 15.5.22)."""
    names = (name.strip(b" \t") for name in b",".join(upgrades).split(b","))
    return b", ".join([name for name in names if may_switch_to(name)]) or None


def _framing(
    raw: RawResponse, method: bytes, declared: int | None, encodings: list[bytes] | None
) -> Framing | Reject:
    """RFC 9112 section 6.3, in its order."""
    if method == b"HEAD" or raw.status < 200 or raw.status in _BODILESS:
        return Unsized.NO_BODY
    if encodings is not None:
        if raw.minor == 0:
            return _bad("Transfer-Encoding in HTTP/1.0")
        if [value.strip(b" \t").lower() for value in encodings] != [b"chunked"]:
            return _bad("a transfer coding other than one chunked")
        return Unsized.CHUNKED
    if declared is None:
        return Unsized.UNTIL_CLOSE
    return Length(declared) if declared else Unsized.NO_BODY
