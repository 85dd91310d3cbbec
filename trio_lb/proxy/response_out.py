"""A ``Response`` of the program's on its way to the client: middleware's last word."""

from collections.abc import AsyncIterator
from http import HTTPStatus

import trio

from trio_lb.model.errors import RequestCut
from trio_lb.model.message import Framing, RequestHead, ResponseHead, Unsized
from trio_lb.model.payload import Payload
from trio_lb.model.response import Response
from trio_lb.net.h1_client import ONE_HOP, framing_of, send_body
from trio_lb.net.relay import Stalled, send_all
from trio_lb.net.response_rules import UPGRADE_REQUIRED, required_upgrade
from trio_lb.proxy.answer_out import final_head
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.failure import ClientGone

_LEAST_STATUS = 200
_NEVER_WITH_BODY = frozenset({204, 304})
_WRITTEN_ANEW = ONE_HOP | {"content-length"}


async def send_response(exchange: Exchange, request: RequestHead, response: Response) -> None:
    """Write the whole of ``response`` to the client.

    Raises:
      ValueError: it is no answer, or its body has not the length that was declared.
      RequestCut: its body was cut short.
      BodyFailed: its body's own iterator raised something else.
      ClientGone: the client takes no more.
    """
    framing = framing_of(response.body, response.headers)
    if response.status < _LEAST_STATUS:
        raise ValueError(f"nobody can answer {response.status} for a server")
    answer = head_of(response, framing, exchange.is_bodiless)
    if not exchange.body.ended or exchange.context.draining or request.minor == 0:
        exchange.keep = False
    exchange.answered(response.status)
    head = final_head(answer, request, date=exchange.context.date_line(), close=not exchange.keep)
    try:
        if answer.framing is Unsized.NO_BODY:
            await _send(exchange, head)
        elif isinstance(response.body, bytes):
            exchange.bytes_out += len(response.body)
            await _send(exchange, head + response.body)
        else:
            await _send(exchange, head)
            # A client of HTTP/1.0 knows no chunks: the end of the stream ends the body.
            is_bare = framing is Unsized.CHUNKED and request.minor == 0
            await _stream(exchange, response, Unsized.UNTIL_CLOSE if is_bare else framing)
    except (trio.BrokenResourceError, Stalled) as gone:
        raise ClientGone(str(gone)) from gone


async def _send(exchange: Exchange, data: bytes) -> None:
    await send_all(exchange.client.stream, data, exchange.timeouts.write_stall)


async def _stream(exchange: Exchange, response: Response, framing: Framing) -> None:
    patience = 2 * exchange.timeouts.idle  # A server's silence is up after the half of that.
    pieces = Payload(_Bounded(aiter(response), patience))

    def count(size: int) -> None:
        exchange.bytes_out += size

    stall = exchange.timeouts.write_stall
    await send_body(exchange.client.stream, pieces, framing, stall, count)


class _Bounded:
    """Pieces that are not waited for for ever."""

    def __init__(self, pieces: AsyncIterator[bytes], seconds: float) -> None:
        self._pieces = pieces
        self._seconds = seconds

    def __aiter__(self) -> "_Bounded":
        return self

    async def __anext__(self) -> bytes:
        with trio.move_on_after(self._seconds):
            return await anext(self._pieces)
        raise RequestCut(f"no piece of the response for {self._seconds:g} s")

    async def aclose(self) -> None:
        """Close what they come from, if it can be closed."""
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()


def head_of(response: Response, framing: Framing, is_bodiless: bool) -> ResponseHead:
    """The head as ``answer_out`` writes it; a body that may not be sent is still declared.

    Unless nobody knows it: "0" would be wrong for most (RFC 9110 section 8.6).
    """
    size = response.headers.get("content-length")
    unsent = is_bodiless or response.status in _NEVER_WITH_BODY
    if isinstance(response.body, bytes) and (response.body or not unsent):
        size = str(len(response.body))
    return ResponseHead(
        status=response.status,
        reason=_reason(response.status),
        minor=1,
        fields=[
            (name.lower().encode("ascii"), name.encode("ascii"), value.encode("latin-1"))
            for name, value in response.headers.pairs()
            if name.lower() not in _WRITTEN_ANEW
        ],
        framing=Unsized.NO_BODY if unsent else framing,
        connection=frozenset(),
        declared=None if size is None else int(size),
        upgrade=_required(response) if response.status == UPGRADE_REQUIRED else None,
    )


def _required(response: Response) -> bytes | None:
    values = response.headers.get_all("upgrade")
    return required_upgrade([value.encode("latin-1") for value in values])


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b""
