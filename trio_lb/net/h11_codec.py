"""h11 as the head parser: the only module that knows its types.

h11 is touched once a head and asked for nothing else: a fresh ``Connection`` a
message (0.9 µs), no event per body chunk, no second validation of headers that
were just read. Body framing is ours (``net.body``) because a proxy must be
stricter than h11 about it and cheaper than one event a chunk; h11 is the oracle in
its tests.
"""

import h11

from trio_lb.model.message import Field, Reject
from trio_lb.net.codec import RawRequest, RawResponse

_MAX_HEAD = 1 << 30
"""h11's own limit is switched off: ``net.inbox`` has bounded the head before."""

_PRIMER = h11.Request(method="GET", target="/", headers=[("Host", "primer")])
"""Puts h11's client side into the state in which it reads a response.

The method matters to h11 only for the body, which it never sees.
"""

_UPGRADE_PRIMER = h11.Request(
    method="GET",
    target="/",
    headers=[("Host", "primer"), ("Connection", "upgrade"), ("Upgrade", "any")],
)
"""The same for a 101, which h11 refuses unless a switch was proposed; whether one was,
``net.response_rules`` decides."""


_CODES = {501: "not_implemented"}


class H11Codec:
    """Stateless: one instance serves every connection."""

    def parse_request(self, head: bytes) -> RawRequest | Reject:
        """See ``HeadCodec``."""
        connection = h11.Connection(h11.SERVER, _MAX_HEAD)
        connection.receive_data(head)
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint
            return Reject(status, _CODES.get(status, "bad_request"), str(error))
        if type(event) is not h11.Request:
            return Reject(400, "bad_request", "the head is not one complete request head")
        return RawRequest(event.method, event.target, event.http_version[2] - 48, _fields(event))

    def parse_response(self, head: bytes) -> RawResponse | Reject:
        """See ``HeadCodec``."""
        connection = h11.Connection(h11.CLIENT, _MAX_HEAD)
        connection.send(_UPGRADE_PRIMER if head[9:12] == b"101" else _PRIMER)
        connection.receive_data(head)
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            return Reject(502, "bad_response", str(error))
        if not isinstance(event, (h11.Response, h11.InformationalResponse)):
            return Reject(502, "bad_response", "the head is not one complete response head")
        return RawResponse(
            event.status_code, event.reason, event.http_version[2] - 48, _fields(event)
        )


def _fields(event: h11.Request | h11.Response | h11.InformationalResponse) -> list[Field]:
    return [(name.lower(), name, value) for name, value in event.headers.raw_items()]
