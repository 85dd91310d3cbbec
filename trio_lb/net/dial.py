"""Dialling: from a server's address to a stream on which it can be spoken to.

    connect  ->  PROXY header  ->  TLS handshake  ->  the stream
    (or, for an application in this process, one end of a memory stream)

The order is the wire's: whoever reads a PROXY header reads it before TLS (the PROXY
protocol, section 2). What is off costs nothing: a plain server's stream is the
network's own. Data path and probes dial in the same way, so a probe never calls a
server well that requests can't reach.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import attrs
import trio

from trio_lb.config.schema import UpstreamTls
from trio_lb.model.address import Address, Ends
from trio_lb.model.errors import ConfigError
from trio_lb.net.env import ConnectError, Network, Stream
from trio_lb.net.proxy_header import Version
from trio_lb.net.proxy_writer import encode, encode_own
from trio_lb.net.relay import Stalled, send_all

if TYPE_CHECKING:
    from trio_lb.net.certificates import ClientTls

Inside = Callable[[object], Awaitable[Stream]]
"""Opens a stream to an application in this process."""

_HEADER_SECONDS: Final = 3.0


@attrs.frozen(slots=True, kw_only=True)
class Destination:
    """A server and how it is spoken to. ``app`` stands in for the address if there is one."""

    address: Address
    tls: UpstreamTls | None = None
    proxy_protocol: str = "off"
    app: object | None = None

    def on_port(self, port: int | None) -> "Destination":
        """The same host on the port that a probe asks for; None is the server's own.

        Somebody else listens on another port, who was not set up to read a PROXY header: as in
        HAProxy, none is sent there. TLS is spoken as nginx and Envoy do.
        """
        if port in (None, self.address.port) or self.address.is_unix:
            return self
        other = Address(self.address.host, port)
        return attrs.evolve(self, address=other, proxy_protocol="off")


class Dialer:
    """Makes streams to servers; one a balancer. It keeps the TLS settings that it has loaded."""

    def __init__(self, network: Network, inside: Inside | None = None) -> None:
        self._network = network
        self._inside = inside
        self._contexts: dict[UpstreamTls, ClientTls] = {}

    def anew(self) -> "Dialer":
        """Return another one for the same places, which has loaded nothing yet."""
        return Dialer(self._network, self._inside)

    def prepare(self, destination: Destination, path: str = "tls") -> None:
        """Load what ``destination`` needs, so that nothing is missing when a request comes.

        Raises:
          ConfigError: a certificate, key or CA file is not what it should be.
        """
        if destination.tls is not None and destination.tls.enabled:
            self._context(destination.tls, path)

    async def dial(self, destination: Destination, client: Ends | None = None) -> Stream:
        """Open a stream; ``client`` is for whom (what a PROXY header says), None: for ourselves.

        Cancelled, it leaves nothing open.

        Raises:
          ConnectError: nobody is there, or they don't speak as configured.
        """
        if destination.app is not None:
            return await self._enter(destination.app)
        stream = await self._network.connect(destination.address)
        if destination.proxy_protocol == "off" and destination.tls is None:
            return stream
        try:
            return await self._dress(stream, destination, client)
        except BaseException:
            stream.abort()
            raise

    async def _enter(self, app: object) -> Stream:
        if self._inside is None:
            raise ConnectError("nothing here runs applications in this process")
        return await self._inside(app)

    async def _dress(self, stream: Stream, destination: Destination, client: Ends | None) -> Stream:
        address = destination.address
        if destination.proxy_protocol != "off":
            version = Version(destination.proxy_protocol)
            own = encode_own(version, stream.local, stream.peer)
            header = own if client is None else encode(version, *client)
            try:
                await send_all(stream, header, _HEADER_SECONDS)
            except (trio.BrokenResourceError, Stalled) as error:
                raise ConnectError(f"{address}: it does not take the PROXY header") from error
        tls = destination.tls
        if tls is None or not tls.enabled:
            return stream
        from trio_lb.net.tls import TlsStream
        from trio_lb.net.tls_faults import TlsError

        name = tls.server_name or (None if address.is_unix else address.host)
        try:
            return await TlsStream.connect(stream, self._context(tls, "tls"), name)
        except TlsError as error:
            raise ConnectError(f"{address}: TLS: {error}") from error

    def _context(self, tls: UpstreamTls, path: str) -> "ClientTls":
        context = self._contexts.get(tls)
        if context is None:
            # Only who speaks TLS pays for loading it.
            from trio_lb.net.certificates import client_context

            try:
                context = client_context(
                    verify=tls.verify,
                    ca=tls.ca,
                    certificate=tls.certificate,
                    private_key=tls.private_key,
                    min_version=tls.min_version,
                )
            except ConfigError as error:
                raise error.below(path) from error
            self._contexts[tls] = context
        return context
