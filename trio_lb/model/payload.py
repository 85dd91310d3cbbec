"""A message's body as programs handle it: all of it, or piece by piece, once."""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
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

    __slots__ = ("_body", "_close", "_pieces")

    def __init__(self, body: Body, close: Close | None = None) -> None:
        self._body = body
        self._close = close
        self._pieces: AsyncIterator[bytes] | None = None  # Once somebody has begun to take them.

    @property
    def body(self) -> Body:
        """All of it, or what its pieces come from; may be set to another one."""
        return self._body

    @body.setter
    def body(self, body: Body) -> None:
        self._body = body
        self._pieces = None

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
            return _Whole(body)
        if self._pieces is not None:
            raise RuntimeError("this body was streamed already; read() would have kept it")
        self._pieces = aiter(body)
        return self._pieces

    async def aclose(self) -> None:
        """Let go of the rest of the body, and of what it comes from; idempotent.

        Raises:
          Exception: whatever the body's own iterator raises when it is closed.
        """
        close, self._close = self._close, None
        if close is not None:
            await close()
        end = getattr(self._pieces or self._body, "aclose", None)
        if end is not None:
            await end()

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


class _Whole:
    """One piece. No generator: whoever leaves it half read leaves nothing to clean up."""

    __slots__ = ("_body",)

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __aiter__(self) -> "_Whole":
        return self

    async def __anext__(self) -> bytes:
        body, self._body = self._body, b""
        if not body:
            raise StopAsyncIteration
        return body
