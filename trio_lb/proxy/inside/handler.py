"""An async function takes its turn: ``async def handler(request) -> Response | bytes | str``."""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from trio_lb.model.address import Address
from trio_lb.model.errors import RequestCut
from trio_lb.model.request import Request
from trio_lb.model.response import Response
from trio_lb.proxy.inside.answer import BadAnswer
from trio_lb.proxy.inside.asgi import ClientLeft, client_of, write
from trio_lb.proxy.inside.fence import kind_of
from trio_lb.proxy.inside.turn import Turn

Handler = Callable[[Request], Awaitable[Response | bytes | str]]

_BYTES: Final = (("Content-Type", "application/octet-stream"),)


async def handle(handler: Handler, turn: Turn) -> None:
    """Call ``handler`` with the request, and send what it returns.

    A client that leaves cancels it at once: nobody waits for what it would return.
    """
    turn.farewell_seconds = 0.0
    promise: Any = handler(request_of(turn))
    if not inspect.isawaitable(promise):
        raise TypeError(f"it is no async function: it returned {kind_of(promise)}")
    async with response_of(await promise) as response:
        fields = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, value in response.headers.pairs()
        ]
        turn.answer.begin(response.status, fields)
        try:
            await _send(response, turn)
        except ClientLeft:
            return  # Nobody is there to be answered; that is no error of the handler.


async def _send(response: Response, turn: Turn) -> None:
    if isinstance(response.body, bytes):
        await write(turn, response.body, more=False)
        return
    pieces = aiter(response)
    try:
        async for piece in pieces:
            if piece:
                await write(turn, piece, more=True)
    finally:
        # A generator that is left in its middle is closed here and now, not by the collector.
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
    await write(turn, b"", more=False)


def request_of(turn: Turn) -> Request:
    """Make the request as programs read it; its body comes while it is read."""
    head = turn.head
    client = client_of(turn)
    return Request(
        head.method.decode("ascii"),
        head.target.decode("ascii"),
        [(name.decode("ascii"), value.decode("latin-1")) for _, name, value in head.fields],
        _Upload(turn) if turn.has_body else b"",
        None if client is None else Address(*client),
    )


class _Upload:
    """A request's body, piece by piece."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        while piece := await self._turn.read():
            yield piece
        if piece is None:
            raise RequestCut("the client left in the middle of its body")


def response_of(result: object) -> Response:
    """Make a response of what a handler returned.

    Raises:
      BadAnswer: it is none of what a handler may return.
    """
    if isinstance(result, Response):
        return result
    if isinstance(result, str):
        return Response(200, (), result)
    if isinstance(result, bytes | bytearray | memoryview):
        return Response(200, _BYTES, bytes(result))
    raise BadAnswer(f"it returned {kind_of(result)}, not a Response, bytes or str")
