"""Via and the fields that say who asked (9110 §7.6.3, RFC 7239)."""

from typing import Final

from tests.conformance.expect import (
    Expect,
    requests,
    sent,
    sent_from_client,
    sent_last_client,
    sent_matching,
    status,
    unsent,
)
from tests.conformance.script import Case, case, head

VIA: Final = "9110 7.6.3"
FORGED: Final = b"203.0.113.66"


def _via(id: str, version: bytes, *lines: bytes, before: tuple[bytes, ...] = ()) -> Case:
    """Our entry is the last, with the version that came; what was there stays before it."""

    def good(got: list[bytes]) -> bool:
        ours = got[-1].split(b" ") if got else []
        return (
            len(ours) >= 2
            and ours[0] in (version, b"http/" + version)
            and (tuple(got[:-1]) == before)
        )

    data = head(*lines, version=b"HTTP/" + version)
    return case(
        f"via-forwarded: {id}",
        VIA,
        data,
        status(200),
        sent_matching(b"via", good, f"{version.decode()} comes last"),
    )


def _forged(id: str, *lines: bytes, must: bool = True) -> Case:
    """An untrusted peer's word about others is not passed on."""
    return case(
        f"via-forwarded: {id}",
        "7239 8",
        head(*lines),
        status(200),
        requests(1),
        unsent(FORGED),
        must=must,
    )


def _own(id: str, *expect: Expect, lines: tuple[bytes, ...] = (), must: bool = True) -> Case:
    return case(f"via-forwarded: {id}", "7239 8", head(*lines), status(200), *expect, must=must)


CASES: Final = (
    _via("Via is added", b"1.1"),
    _via("Via names the version received", b"1.0"),
    _via("Via is appended", b"1.1", b"Via: 1.0 fred", before=(b"1.0 fred",)),
    _via(
        "Via on two lines keeps its order",
        b"1.1",
        b"Via: 1.0 fred",
        b"Via: 1.1 p.example.net",
        before=(b"1.0 fred", b"1.1 p.example.net"),
    ),
    _own("X-Forwarded-For ends with the peer", sent_last_client(b"x-forwarded-for")),
    _own(
        "X-Forwarded-For ends with the peer, whatever came",
        sent_last_client(b"x-forwarded-for"),
        lines=(b"X-Forwarded-For: " + FORGED,),
    ),
    _own(
        "X-Forwarded-For ends with the peer, after two lines",
        sent_last_client(b"x-forwarded-for"),
        lines=(b"X-Forwarded-For: " + FORGED, b"X-Forwarded-For: 10.0.0.1"),
    ),
    _own(
        "X-Forwarded-Proto is ours",
        sent(b"x-forwarded-proto", b"http"),
        lines=(b"X-Forwarded-Proto: https",),
    ),
    _own(
        "X-Forwarded-Proto on two lines is ours",
        sent(b"x-forwarded-proto", b"http"),
        lines=(b"X-Forwarded-Proto: https", b"X-FORWARDED-PROTO: https"),
    ),
    _own("X-Forwarded-Host is the Host", sent(b"x-forwarded-host", b"a.test"), must=False),
    _own(
        "X-Forwarded-Host is not what the client says",
        sent(b"x-forwarded-host", b"a.test"),
        lines=(b"X-Forwarded-Host: evil.test",),
        must=False,
    ),
    _own(
        "X-Real-IP is the peer",
        sent_from_client(b"x-real-ip"),
        lines=(b"X-Real-IP: " + FORGED,),
        must=False,
    ),
    _own("X-Request-ID is there", sent_matching(b"x-request-id", bool, "an id"), must=False),
    _forged("X-Forwarded-For of a stranger is replaced", b"X-Forwarded-For: " + FORGED, must=False),
    _forged("Forwarded of a stranger is replaced", b"Forwarded: for=" + FORGED, must=False),
    _forged("X-Real-IP of a stranger is replaced", b"X-Real-IP: " + FORGED, must=False),
)
