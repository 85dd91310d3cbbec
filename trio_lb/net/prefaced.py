"""A stream of which some bytes were read already, and whose ends go by other names."""

from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Protocol, Self

from trio.lowlevel import checkpoint

from trio_lb.model.address import Address
from trio_lb.net.env import Stream


class _Receive(Protocol):
    """``Stream.receive_some``, as an attribute."""

    def __call__(self, max_bytes: int) -> Coroutine[Any, Any, bytes]: ...


class PrefacedStream:
    """``stream``, but ``preface`` is received first; it satisfies ``Stream`` and owns ``stream``.

    Where nothing is added a call goes straight to the stream below: its methods stand here
    as attributes, and so does its ``receive_some`` once the preface is gone. Being wrapped
    costs a busy connection nothing.
    """

    __slots__ = (
        "_preface",
        "_stream",
        "local",
        "peer",
        "receive_some",
        "send_eof",
        "send_nowait",
        "send_some",
    )

    receive_some: _Receive

    def __init__(
        self,
        stream: Stream,
        preface: bytes = b"",
        *,
        peer: Address | None = None,
        local: Address | None = None,
    ) -> None:
        """Wrap ``stream``; ``peer`` and ``local`` stand in for its own addresses."""
        self._stream = stream
        self._preface = preface
        self.peer = peer or stream.peer
        self.local = local or stream.local
        self.send_nowait = stream.send_nowait
        self.send_some = stream.send_some
        self.send_eof = stream.send_eof
        self.receive_some = self._receive_preface if preface else stream.receive_some

    async def _receive_preface(self, max_bytes: int) -> bytes:
        await checkpoint()
        preface = self._preface
        if not preface:  # Closed, or taken by another task, while we yielded.
            return await self.receive_some(max_bytes)
        self._keep(preface[max_bytes:])
        return preface[:max_bytes]

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``Stream``."""
        preface = self._preface
        if not preface:
            return self._stream.receive_nowait(max_bytes)
        self._keep(preface[max_bytes:])
        return preface[:max_bytes]

    def _keep(self, preface: bytes) -> None:
        self._preface = preface
        if not preface:
            self.receive_some = self._stream.receive_some

    def is_stale(self) -> bool:
        """See ``Stream``: a preface that nobody read is stray bytes."""
        return bool(self._preface) or self._stream.is_stale()

    async def aclose(self) -> None:
        """See ``Stream``."""
        self._keep(b"")
        await self._stream.aclose()

    def close(self) -> None:
        """See ``Stream``."""
        self._keep(b"")
        self._stream.close()

    def abort(self) -> None:
        """See ``Stream``."""
        self._keep(b"")
        self._stream.abort()

    async def __aenter__(self) -> Self:
        """Own the stream for a block."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the stream."""
        await self.aclose()

    def __repr__(self) -> str:
        return f"<PrefacedStream of {self.peer} over {self._stream!r}>"
