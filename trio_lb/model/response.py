"""A response as programs make it, read it and change it."""

from typing import Final

from trio_lb.model.headers import Headers, HeaderSource
from trio_lb.model.payload import Body, Close, Payload

_LEAST_STATUS: Final = 200
_MOST_STATUS: Final = 599
_SWITCHED: Final = 101
"""Says to middleware that the connection became a tunnel; nobody can send it."""


class Response(Payload):
    """A response: ``status``, ``headers`` and a ``body``.

    One that the balancer gave streams: read it to its end, or close it (``async with``).
    One of your own has all bytes, or an async iterable of pieces; whoever sends it adds
    what frames the body.
    """

    __slots__ = ("headers", "status")

    def __init__(
        self,
        status: int,
        headers: HeaderSource = (),
        body: Body | str = b"",
        *,
        close: Close | None = None,
    ) -> None:
        """Make a response; text as a body is UTF-8, and plain unless a Content-Type says more.

        Raises:
          ValueError: the status is not a final one (200 to 599), or a header is none.
        """
        super().__init__(body.encode() if isinstance(body, str) else body, close)
        if not _LEAST_STATUS <= status <= _MOST_STATUS and status != _SWITCHED:
            raise ValueError(f"{status} is not the status of a final answer (200 to 599)")
        self.status = int(status)
        self.headers = Headers(headers)
        if isinstance(body, str) and "content-type" not in self.headers:
            self.headers["Content-Type"] = "text/plain; charset=utf-8"

    def __repr__(self) -> str:
        return f"<Response {self.status}>"
