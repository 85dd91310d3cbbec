"""A small HTTP server on trio: h11 reads and writes, ``trio.serve_tcp`` listens."""

from collections.abc import Awaitable, Callable

import h11
import trio

Handler = Callable[[h11.Request, bytes], Awaitable[tuple[int, bytes]]]
"""Takes a request and its body; returns a status and a body."""


async def serve(handler: Handler, port: int) -> None:
    """Answer requests until cancelled; ``/health`` says that we live."""

    async def talk(stream: trio.SocketStream) -> None:
        try:
            await _converse(handler, stream)
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            pass  # The other end has left in the middle.

    await trio.serve_tcp(talk, port)


async def _converse(handler: Handler, stream: trio.SocketStream) -> None:
    conn = h11.Connection(h11.SERVER)
    while conn.our_state is h11.IDLE:
        request = await _next(conn, stream)
        if not isinstance(request, h11.Request):
            return
        body = b""
        while isinstance(event := await _next(conn, stream), h11.Data):
            body += event.data
        if request.target == b"/health":
            status, answer = 200, b"fine"
        else:
            status, answer = await handler(request, body)
        head = h11.Response(status_code=status, headers=[("Content-Length", str(len(answer)))])
        for part in (head, h11.Data(data=answer), h11.EndOfMessage()):
            await stream.send_all(conn.send(part) or b"")
        if conn.our_state is h11.DONE and conn.their_state is h11.DONE:
            conn.start_next_cycle()


async def _next(conn: h11.Connection, stream: trio.SocketStream) -> object:
    while (event := conn.next_event()) is h11.NEED_DATA:
        conn.receive_data(await stream.receive_some())
    return event
