"""A client balanced over servers: a transport for httpx2 and httpx that goes through ``lb``.

    async with httpx2.AsyncClient(transport=BalancedTransport(lb)) as client:
        await client.get("http://api/users")

The balancer picks the server, tries another one, waits, keeps the books; what it answers
itself (503 without a server, 502, 504) comes as a response. Either library will do, also
both at once: each request is answered in the words of the library that it came from.
"""

import functools
import math
import sys
from collections.abc import AsyncIterable, AsyncIterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import trio

from trio_lb.app import LoadBalancer
from trio_lb.config.schema import DEFAULT_POOL
from trio_lb.model.address import Address
from trio_lb.model.errors import RequestCut
from trio_lb.model.request import Request
from trio_lb.model.response import Response

_LIBRARIES: Final = ("httpx2", "httpx")
_MISSING: Final = "trio_lb.httpx needs the 'httpx' extra: pip install 'trio-lb[httpx]'"


def _base() -> type:
    """The base class of transports, of every one of the libraries that is installed."""
    bases = []
    for name in _LIBRARIES:
        try:
            bases.append(__import__(name).AsyncBaseTransport)
        except ImportError:
            continue
    if not bases:
        raise ImportError(_MISSING)
    return type("Base", tuple(dict.fromkeys(bases)), {})


if TYPE_CHECKING:
    import httpx  # noqa: ASYNC127 - both are served.
    import httpx2

    class _Base(httpx2.AsyncBaseTransport, httpx.AsyncBaseTransport):
        """What either library takes for a transport."""

        async def handle_async_request(self, request: Any) -> Any:
            """Send a request."""
else:
    _Base = _base()


class BalancedTransport(_Base):
    """Sends the requests of a client through a load balancer of the same program.

    Closing it closes nothing: the balancer is its owner's. Of a client's timeouts ``read``
    counts: for the answer to begin after the request was sent, and between two pieces.
    How long connecting may take is the balancer's to say.
    """

    def __init__(
        self, lb: LoadBalancer, *, pool: str = DEFAULT_POOL, client: Address | None = None
    ) -> None:
        """Go through ``pool`` of ``lb``; servers and limits take it for ``client``'s."""
        self._lb = lb
        self._pool = pool
        self._client = client

    async def handle_async_request(self, request: Any) -> Any:
        """Send ``request`` and return its response, whose body streams.

        Raises (of the library's own classes):
          ReadTimeout: the answer did not come in time.
          RemoteProtocolError: it was cut.
          LocalProtocolError: the request can't be sent in HTTP/1.1.
          ConnectError: the balancer has ended.
        """
        library = _library_of(request)
        patience = _Patience(library, request)
        ours = self._translated(library, request, patience)
        try:
            with patience.scope:
                response = await self._lb.route(ours, pool=self._pool, scheme=request.url.scheme)
                return library.Response(
                    status_code=response.status,
                    headers=_raw(response.headers.pairs()),
                    stream=_stream_class(library)(response, patience),
                    extensions={"http_version": b"HTTP/1.1"},
                )
        except RequestCut as cut:
            raise library.RemoteProtocolError(str(cut), request=request) from cut
        except trio.ClosedResourceError as ended:
            raise library.ConnectError(str(ended), request=request) from ended
        raise patience.timeout()

    def _translated(self, library: ModuleType, request: Any, patience: "_Patience") -> Request:
        try:
            return Request(
                request.method,
                request.extensions.get("target", request.url.raw_path).decode("ascii"),
                [(name.decode(), value.decode("latin-1")) for name, value in request.headers.raw],
                _body_of(library, request, patience),
                self._client,
            )
        except ValueError as error:
            raise library.LocalProtocolError(str(error), request=request) from error


def _library_of(request: Any) -> ModuleType:
    """The library whose request this is, or is made of."""
    roots = (each.__module__.partition(".")[0] for each in type(request).__mro__)
    return sys.modules[next(root for root in roots if root in _LIBRARIES)]


def _raw(pairs: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in pairs]


def _body_of(
    library: ModuleType, request: Any, patience: "_Patience"
) -> bytes | AsyncIterable[bytes]:
    try:
        content: bytes = request.content
    except library.RequestNotRead:
        return _Upload(request.stream, patience)
    return content


class _Patience:
    """How long a client waits for bytes: its ``read`` timeout, anew for each wait."""

    def __init__(self, library: ModuleType, request: Any) -> None:
        seconds = request.extensions.get("timeout", {}).get("read")
        self.seconds: float = math.inf if seconds is None else seconds
        self.scope = trio.CancelScope(deadline=trio.current_time() + self.seconds)
        self.words = library
        self._request = request

    def renew(self) -> None:
        """The request is still being sent."""
        self.scope.deadline = trio.current_time() + self.seconds

    def timeout(self) -> Exception:
        """What to raise when it is over."""
        text = f"no byte of the answer for {self.seconds:g} s"
        error: Exception = self.words.ReadTimeout(text, request=self._request)
        return error

    def cut(self, why: RequestCut) -> Exception:
        """What to raise when an answer ended before its end."""
        error: Exception = self.words.RemoteProtocolError(str(why), request=self._request)
        return error


class _Upload:
    """A body that is sent as it comes; the answer is waited for from each piece on."""

    def __init__(self, pieces: AsyncIterable[bytes], patience: _Patience) -> None:
        self._source = aiter(pieces)
        self._patience = patience

    def __aiter__(self) -> "_Upload":
        return self

    async def __anext__(self) -> bytes:
        self._patience.scope.deadline = math.inf  # The time for the next piece is the caller's.
        try:
            return await anext(self._source)
        finally:
            self._patience.renew()

    async def aclose(self) -> None:
        """Close what the pieces come from, if it can be closed."""
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()


class _Download:
    """The pieces of an answer's body, each awaited for as long as the client said."""

    def __init__(self, response: Response, patience: _Patience) -> None:
        self._response = response
        self._patience = patience
        self._pieces: AsyncIterator[bytes] | None = None

    def __aiter__(self) -> "_Download":
        return self

    async def __anext__(self) -> bytes:
        if self._pieces is None:
            self._pieces = aiter(self._response)
        try:
            with trio.move_on_after(self._patience.seconds):
                return await anext(self._pieces)
        except RequestCut as cut:
            raise self._patience.cut(cut) from cut
        raise self._patience.timeout()

    async def aclose(self) -> None:
        """Let go of the rest of the answer."""
        await self._response.aclose()


@functools.cache
def _stream_class(library: ModuleType) -> type[_Download]:
    """Make what ``library`` takes for the body of a response."""
    return type("BalancedStream", (_Download, library.AsyncByteStream), {})
