"""h11 as the head parser: the only module that knows its types.

A head that passed ``net.grammar`` can be split in one way only, so that is done without
h11. What a parser decides beyond that is h11's word: its events ``Request`` and
``Response`` check the fields that they give a meaning to, as they do for a head that an
``h11.Connection`` reads. Start lines and every other field h11 only spells, more leniently
than the grammar did.

So h11's verdict hangs on little: the version, how often there is a Host, and what
Content-Length and Transfer-Encoding say. Each such combination is put before h11 once and
its word remembered, which takes a sixth off what a small request costs in our own code.

The ``Connection`` itself is not used: receive buffer, state machine and writer would be
made for each head and thrown away behind it, at three to four times the cost. It is the
oracle in the tests: whatever the grammar lets pass, both read as the same, or both
refuse. Body framing is ours as well (``net.body``), because a proxy must be stricter
than h11 about it, and cheaper than one event a chunk.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import h11

from trio_lb.model.message import Field, Reject
from trio_lb.net.codec import RawRequest, RawResponse
from trio_lb.net.grammar import split_head

Judged = tuple[tuple[bytes, bytes], ...]
"""The fields that mean something to an event of h11, by their lower-case names."""

_ANY_HOST: Final = (b"host", b"any")
_ANY_LENGTH: Final = (b"content-length", b"1")

_LONGEST_NUMBER: Final = 18
"""h11 takes two digits more; what is longer is put before it as it is."""

_MOST_REMEMBERED: Final = 64
"""Honest traffic has a dozen combinations. The rest is nonsense in a length or a coding, of
which this many must be cheap to keep, each as long as a head may be."""

_CODES: Final = {501: "not_implemented"}


class H11Codec:
    """Stateless: one instance serves every connection."""

    def parse_request(self, head: bytes) -> RawRequest | Reject:
        """See ``HeadCodec``."""
        line, fields = split_head(head)
        method, target, version = line.split(b" ")
        refused = _refusal_of_request(version[5:], _judged(fields))
        return refused or RawRequest(method, target, version[7] - 48, fields)

    def parse_response(self, head: bytes) -> RawResponse | Reject:
        """See ``HeadCodec``."""
        line, fields = split_head(head)
        status = int(line[9:12])
        refused = _refusal_of_response(status < 200, line[5:8], _judged(fields))
        return refused or RawResponse(status, line[13:], line[7] - 48, fields)


def _judged(fields: Sequence[Field]) -> Judged:
    """What h11 is asked about; one host stands for all, and one plain number for all."""
    judged = []
    lengths = 0
    for lower, _, value in fields:
        if lower == b"host":
            judged.append(_ANY_HOST)
        elif lower == b"content-length":
            lengths += 1
            judged.append((lower, value))
        elif lower == b"transfer-encoding":
            judged.append((lower, value))
    if lengths == 1:
        return tuple([_ANY_LENGTH if _is_plain_length(field) else field for field in judged])
    return tuple(judged)


def _is_plain_length(field: tuple[bytes, bytes]) -> bool:
    name, value = field
    return name == b"content-length" and value.isdigit() and len(value) <= _LONGEST_NUMBER


@lru_cache(_MOST_REMEMBERED)
def _refusal_of_request(version: bytes, judged: Judged) -> Reject | None:
    try:
        h11.Request(method=b"GET", target=b"/", headers=list(judged), http_version=version)
    except h11.LocalProtocolError as error:
        status = error.error_status_hint
        return Reject(status, _CODES.get(status, "bad_request"), str(error))
    return None


@lru_cache(_MOST_REMEMBERED)
def _refusal_of_response(interim: bool, version: bytes, judged: Judged) -> Reject | None:
    kind, status = (h11.InformationalResponse, 100) if interim else (h11.Response, 200)
    try:
        kind(status_code=status, headers=list(judged), http_version=version, reason=b"")
    except h11.LocalProtocolError as error:
        return Reject(502, "bad_response", str(error))
    return None
