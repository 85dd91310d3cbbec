"""Answers of our own: every way in which a request ends without a server's."""

import trio

from trio_lb.model.message import LocalAnswer, Reject
from trio_lb.model.outcome import Outcome, OutcomeKind
from trio_lb.net.relay import Stalled, send_all
from trio_lb.proxy.answer_out import error_answer, own_answer
from trio_lb.proxy.exchange import Exchange

_FAILURES = {
    OutcomeKind.CONNECT_REFUSED: Reject(502, "upstream_connect_refused", "no server took it"),
    OutcomeKind.CONNECT_FAILED: Reject(502, "upstream_connect_failed", "no server was reached"),
    OutcomeKind.CONNECT_TIMEOUT: Reject(
        504, "upstream_connect_timeout", "no server was reached in time"
    ),
    OutcomeKind.EXHAUSTED: Reject(
        503, "out_of_descriptors", "this proxy has no descriptor left to reach a server with"
    ),
    OutcomeKind.STALE: Reject(502, "upstream_reset", "the server closed before it answered"),
    OutcomeKind.RESET: Reject(502, "upstream_reset", "the server closed before it answered"),
    OutcomeKind.CLOSED: Reject(502, "upstream_reset", "the server closed before it answered"),
    OutcomeKind.TIMEOUT: Reject(504, "upstream_timeout", "the server did not answer in time"),
    OutcomeKind.BAD_RESPONSE: Reject(
        502, "upstream_bad_response", "the server's answer is not valid HTTP/1.1"
    ),
}

OVERLOAD_SECONDS = 1
"""Retry-After when this process itself is short of something: requests that end free it."""

DENIED = Reject(403, "access_denied", "this address is not let in")

INTERNAL = Reject(500, "internal_error", "a fault of the proxy itself")

NO_ROUTE = Reject(404, "no_route", "nothing is served here")

LOOP = Reject(508, "loop_detected", "this request has been here before")


async def refuse(
    exchange: Exchange, reject: Reject, *, retry_after_seconds: int | None = None
) -> None:
    """Answer with an error of ours; a connection with unread request bytes is not kept."""
    exchange.error = reject.code
    _doubt(exchange)
    answer = error_answer(
        reject.status,
        reject.code,
        reject.message,
        request_id=exchange.id,
        date=exchange.context.date_line(),
        accept=(exchange.head.get(b"accept") if exchange.head else None) or b"",
        bodiless=exchange.is_bodiless,
        close=not exchange.keep,
        retry_after_seconds=retry_after_seconds,
    )
    await _say(exchange, reject.status, answer)


async def answer_locally(
    exchange: Exchange, status: int, content_type: bytes, body: bytes, extra: bytes = b""
) -> None:
    """Answer a request that is meant for us (Max-Forwards: 0); see ``refuse`` about its body."""
    _doubt(exchange)
    answer = own_answer(
        status,
        content_type,
        body,
        date=exchange.context.date_line(),
        bodiless=exchange.is_bodiless,
        close=not exchange.keep,
        extra=extra,
    )
    await _say(exchange, status, answer)


async def answer_as_told(exchange: Exchange, answer: LocalAnswer) -> None:
    """Answer with what stands in for a server; see ``refuse`` about the request's body."""
    exchange.error = answer.error
    kind = b"text/plain; charset=utf-8"
    extra = b""
    for name, value in answer.fields:
        if name.lower() == "content-type":
            kind = value.encode("latin-1")
        else:
            extra += b"%b: %b\r\n" % (name.encode("ascii"), value.encode("latin-1"))
    await answer_locally(exchange, answer.status, kind, answer.body, extra)


async def fail(exchange: Exchange, outcome: Outcome, refusal: Reject | None) -> None:
    """End a request whose last attempt failed: by an answer if none began, else by a cut."""
    exchange.reason = outcome.detail
    if refusal is not None and not exchange.status:
        await refuse(exchange, refusal)
    elif outcome.kind is OutcomeKind.ABANDONED:
        exchange.keep = False
        exchange.error = "client_gone" if refusal is None else refusal.code
        exchange.cut = True
    elif exchange.status:
        exchange.keep = False
        exchange.error = "upstream_truncated"
        # A length or a missing last chunk shows the cut; HTTP/1.0 has nothing but a reset.
        exchange.cut = exchange.head is None or exchange.head.minor == 0
    else:
        wait = OVERLOAD_SECONDS if outcome.kind is OutcomeKind.EXHAUSTED else None
        await refuse(exchange, _FAILURES[outcome.kind], retry_after_seconds=wait)


def _doubt(exchange: Exchange) -> None:
    """Keep no connection on which the rest of a body would pass for the next request."""
    if not exchange.body.ended or exchange.context.draining:
        exchange.keep = False


async def _say(exchange: Exchange, status: int, answer: bytes) -> None:
    exchange.answered(status)
    exchange.client.take_time()
    exchange.is_ours = True
    exchange.bytes_out += len(answer) - answer.index(b"\r\n\r\n") - 4
    try:
        await send_all(exchange.client.stream, answer, exchange.timeouts.write_stall)
    except (trio.BrokenResourceError, Stalled):
        exchange.keep = False
        exchange.cut = True
        exchange.error = exchange.error or "client_gone"
