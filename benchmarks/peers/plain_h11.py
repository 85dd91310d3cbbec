"""A reverse proxy with trio and h11 as their documentation shows: `python -m ...`.

Arguments: PORT ORIGIN_PORT [CERT KEY].

One task a connection, one h11.Connection a side, events passed across, a pool of
idle upstream connections. Nothing is left out that makes it honest (streaming,
keep-alive, Forwarded, hop-by-hop headers), and nothing is tuned.
"""

import ssl
import sys
from collections.abc import Iterable, Iterator
from typing import Final

import h11
import trio

HOST: Final = "127.0.0.1"
BACKLOG: Final = 4096
RECEIVE_BYTES: Final = 64 * 1024
# Transfer-Encoding stays: h11 chunks anew whatever says that it is chunked.
HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"}
)

Header = tuple[bytes, bytes]
Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class Side:
    """One connection: a stream, and h11's view of it."""

    def __init__(self, stream: Stream, role: type[h11.CLIENT] | type[h11.SERVER]):
        self.stream = stream
        self.h11 = h11.Connection(role)

    async def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """The next event of the other end, reading as far as needed; never NEED_DATA."""
        while (event := self.h11.next_event()) is h11.NEED_DATA:
            self.h11.receive_data(bytes(await self.stream.receive_some(RECEIVE_BYTES)))
        return event

    async def send(self, event: h11.Event) -> None:
        """Put one event on the wire."""
        data = self.h11.send(event)
        if data:
            await self.stream.send_all(data)

    def can_go_on(self) -> bool:
        """Start the next cycle when both ends are done with this one and keep the connection."""
        if self.h11.our_state is h11.DONE and self.h11.their_state is h11.DONE:
            self.h11.start_next_cycle()
            return True
        return False


class Proxy:
    """Hands requests on to one origin, over a pool of idle connections (the last in, first out)."""

    def __init__(self, origin_port: int) -> None:
        self.origin_port = origin_port
        self.idle: list[Side] = []

    async def serve(self, stream: Stream) -> None:
        """One downstream connection, request after request."""
        downstream = Side(stream, h11.SERVER)
        client = socket_of(stream).getpeername()[0].encode()
        try:
            while isinstance(request := await downstream.next_event(), h11.Request):
                await self.forward(request, client, downstream)
                if not downstream.can_go_on():
                    return
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            return  # the other end broke off or sent nonsense; there is nobody to tell

    async def forward(self, request: h11.Request, client: bytes, downstream: Side) -> None:
        """One request up, its answer down; the upstream connection back into the pool."""
        upstream = self.idle.pop() if self.idle else await self.connect()
        try:
            await upstream.send(
                h11.Request(
                    method=request.method,
                    target=request.target,
                    headers=[*end_to_end(request.headers), (b"X-Forwarded-For", client)],
                )
            )
            await relay_body(downstream, upstream)
            while isinstance(answer := await upstream.next_event(), h11.InformationalResponse):
                pass
            assert isinstance(answer, h11.Response)
            headers = list(end_to_end(answer.headers))
            await downstream.send(
                h11.Response(status_code=answer.status_code, reason=answer.reason, headers=headers)
            )
            await relay_body(upstream, downstream)
        except BaseException:
            await trio.aclose_forcefully(upstream.stream)
            raise
        if upstream.can_go_on():
            self.idle.append(upstream)
        else:
            await upstream.stream.aclose()

    async def connect(self) -> Side:
        """A new upstream connection."""
        return Side(await trio.open_tcp_stream("127.0.0.1", self.origin_port), h11.CLIENT)


def socket_of(stream: Stream) -> trio.socket.SocketType:
    """The socket below."""
    if isinstance(stream, trio.SSLStream):
        return stream.transport_stream.socket
    return stream.socket


async def relay_body(source: Side, sink: Side) -> None:
    """Pass body events across, up to the message's end."""
    while not isinstance(event := await source.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        await sink.send(h11.Data(data=event.data))
    await sink.send(h11.EndOfMessage())


def end_to_end(headers: Iterable[Header]) -> Iterator[Header]:
    """The headers that a proxy hands on."""
    return ((name, value) for name, value in headers if name not in HOP_BY_HOP)


def main() -> None:
    """Serve until SIGTERM ends the process."""
    port, origin_port, *certificate = sys.argv[1:]
    proxy = Proxy(int(origin_port))

    async def run() -> None:
        if certificate:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(*certificate)
            await trio.serve_ssl_over_tcp(proxy.serve, int(port), tls, host=HOST, backlog=BACKLOG)
        else:
            await trio.serve_tcp(proxy.serve, int(port), host=HOST, backlog=BACKLOG)

    trio.run(run)


if __name__ == "__main__":
    main()
