"""A message's body as programs handle it: all of it, or piece by piece, once."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self

Body = bytes | AsyncIterable[bytes]
"""The whole, or its pieces as they come."""

Close = Callable[[], Awaitable[None]]
"""Lets go of what stands behind a body."""


class Payload:
    """A message's body. Base of ``Request`` and ``Response``.

    What came as ``bytes`` can be read as often as one likes. What comes in pieces can be
    had once: by iterating, or by ``read``, which keeps it. Closing gives up the rest.
    """

    __slots__ = ("_body", "_close", "_is_streamed")

    def __init__(self, body: Body, close: Close | None = None) -> None:
        self._body = body
        self._close = close
        self._is_streamed = False

    @property
    def body(self) -> Body:
        """All of it, or what its pieces come from; may be set to another one."""
        return self._body

    @body.setter
    def body(self, body: Body) -> None:
        self._body = body
        self._is_streamed = False

    async def read(self) -> bytes:
        """Return the whole body; from then on it is kept in ``body``.

        Raises:
          RuntimeError: pieces of it were taken already.
          RequestCut: it ended before its end.
        """
        if isinstance(self._body, bytes):
            return self._body
        self.body = whole = b"".join([piece async for piece in self])
        return whole

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the pieces of the body, none of them empty.

        Raises:
          RuntimeError: that was begun before.
        """
        body = self._body
        if isinstance(body, bytes):
            return _only(body)
        if self._is_streamed:
            raise RuntimeError("this body was streamed already; read() would have kept it")
        self._is_streamed = True
        return aiter(body)

    async def aclose(self) -> None:
        """Let go of the rest of the body, and of what it comes from; idempotent."""
        close, self._close = self._close, None
        if close is not None:
            await close()

    async def __aenter__(self) -> Self:
        """Own the body for a block."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """``aclose``."""
        await self.aclose()


async def _only(body: bytes) -> AsyncGenerator[bytes, None]:
    if body:
        yield body
