"""A request as programs make it, read it and change it."""

import re
from typing import Final

from trio_lb.model.address import Address
from trio_lb.model.headers import Headers, HeaderSource
from trio_lb.model.payload import Body, Close, Payload

_METHOD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET: Final = re.compile(r"(?:/|\*$|(?i:https?)://[^/])[\x21\x24-\x3b\x3d\x3f-\x7e]*")


class Request(Payload):
    """A request: ``method``, ``target``, ``headers``, ``body`` and the ``client`` it is from.

    ``target`` is what stands in the request line, escaped: ``/path?query``, ``*``, or a whole
    ``http://host/path``. ``body`` is all bytes, or an async iterable of pieces, which is sent
    while it comes; its length is declared when ``headers`` do. ``client`` is None for the
    program itself.
    """

    __slots__ = ("client", "headers", "method", "target")

    def __init__(
        self,
        method: str,
        target: str,
        headers: HeaderSource = (),
        body: Body | str = b"",
        client: Address | str | None = None,
        *,
        close: Close | None = None,
    ) -> None:
        """Make a request; text as a body is sent as UTF-8, text as a client is its host.

        Raises:
          ValueError: the method, the target or a header can't stand in a request.
        """
        super().__init__(body.encode() if isinstance(body, str) else body, close)
        if not _METHOD.fullmatch(method):
            raise ValueError(f"{method!r} is not a method")
        if not _TARGET.fullmatch(target):
            raise ValueError(f"{target!r} is not an escaped path, '*' or a whole http:// address")
        self.method = method
        self.target = target
        self.headers = Headers(headers)
        self.client = Address(client, 0) if isinstance(client, str) else client

    @property
    def path(self) -> str:
        """The target without scheme, host and query; still escaped."""
        return _split(self.target)[0]

    @property
    def query(self) -> str:
        """What follows the first ``?`` of the target; still escaped."""
        return _split(self.target)[1]

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"


def _split(target: str) -> tuple[str, str]:
    path, _, query = target.partition("?")
    if not path.startswith("/") and "://" in path:
        _, slash, rest = path.partition("://")[2].partition("/")
        path = slash + rest or "/"
    return path, query
