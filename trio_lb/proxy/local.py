"""Requests that are meant for this hop: TRACE and OPTIONS with Max-Forwards: 0.

RFC 9110 sections 7.6.2 (Max-Forwards), 9.3.7 (OPTIONS) and 9.3.8 (TRACE).
"""

from trio_lb.model.message import RequestHead
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.respond import answer_locally

_SENSITIVE = frozenset({b"authorization", b"proxy-authorization", b"cookie"})


async def answers_itself(exchange: Exchange, head: RequestHead) -> bool:
    """Answer the request here if it may go no further; say whether that was so."""
    if head.max_forwards != 0:
        return False
    if head.method == b"OPTIONS":
        allow = b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE\r\n"
        await answer_locally(exchange, 200, b"text/plain", b"", allow)
    else:
        await answer_locally(exchange, 200, b"message/http", _reflection(head))
    return True


def _reflection(head: RequestHead) -> bytes:
    """The request as it was received, without what identifies its user."""
    line = b"%b %b HTTP/1.%d\r\n" % (head.method, head.target, head.minor)
    fields = (
        b"%b: %b\r\n" % (name, value)
        for lower, name, value in head.fields
        if lower not in _SENSITIVE
    )
    return line + b"".join(fields) + b"\r\n"
