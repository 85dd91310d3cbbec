"""h11 as the head parser: the only module that knows its types.

A head that passed ``net.grammar`` can be split in one way only, so that is done without
h11. What a parser decides beyond that is h11's word: its events ``Request`` and
``Response`` check the start line and the fields that they give a meaning to, as they
do for a head that an ``h11.Connection`` reads. Every other field h11 only spells, more
leniently than the grammar did.

The ``Connection`` itself is not used: receive buffer, state machine and writer would be
made for each head and thrown away behind it, at three to four times the cost. It is the
oracle in the tests: whatever the grammar lets pass, both read as the same, or both
refuse. Body framing is ours as well (``net.body``), because a proxy must be stricter
than h11 about it, and cheaper than one event a chunk.
"""

from collections.abc import Sequence
from typing import Final

import h11

from trio_lb.model.message import Field, Reject
from trio_lb.net.codec import RawRequest, RawResponse
from trio_lb.net.grammar import split_head

_JUDGED: Final = frozenset({b"host", b"content-length", b"transfer-encoding"})
"""The fields that mean something to an event of h11."""

_CODES: Final = {501: "not_implemented"}


class H11Codec:
    """Stateless: one instance serves every connection."""

    def parse_request(self, head: bytes) -> RawRequest | Reject:
        """See ``HeadCodec``."""
        line, fields = split_head(head)
        method, target, version = line.split(b" ")
        try:
            h11.Request(
                method=method, target=target, headers=_judged(fields), http_version=version[5:]
            )
        except h11.LocalProtocolError as error:
            status = error.error_status_hint
            return Reject(status, _CODES.get(status, "bad_request"), str(error))
        return RawRequest(method, target, version[7] - 48, fields)

    def parse_response(self, head: bytes) -> RawResponse | Reject:
        """See ``HeadCodec``."""
        line, fields = split_head(head)
        status, reason = int(line[9:12]), line[13:]
        kind = h11.Response if status >= 200 else h11.InformationalResponse
        try:
            kind(
                status_code=status,
                headers=_judged(fields),
                http_version=line[5:8],
                reason=reason,
            )
        except h11.LocalProtocolError as error:
            return Reject(502, "bad_response", str(error))
        return RawResponse(status, reason, line[7] - 48, fields)


def _judged(fields: Sequence[Field]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for lower, name, value in fields if lower in _JUDGED]
