"""An ASGI server of a few lines: what an application is told, and what it says."""

from collections.abc import Sequence
from typing import Any

import trio


class Asked:
    """One scope at an application: ``said`` is all that it sent; ``tell`` is its ``receive``.

    Once the messages are used up the client is silent, until ``leave``.
    """

    def __init__(self, kind: str, messages: Sequence[dict[str, Any]] = (), **scope: Any) -> None:
        self.scope: dict[str, Any] = {
            "type": kind,
            "asgi": {"version": "3.0"},
            "method": "GET",
            "scheme": "http",
            "path": "/",
            "query_string": b"",
            "headers": [(b"host", b"a")],
            "client": ("192.0.2.9", 4711),
            **scope,
        }
        self.said: list[dict[str, Any]] = []
        self.at: list[float] = []
        self.is_gone = False
        self._send_here, self._receive_here = trio.open_memory_channel[dict[str, Any]](100)
        for message in messages:
            self._send_here.send_nowait(message)

    async def receive(self) -> Any:
        return await self._receive_here.receive()

    async def send(self, message: Any) -> None:
        await trio.lowlevel.checkpoint()
        if self.is_gone:
            raise OSError("the client is gone")
        self.said.append(dict(message))
        self.at.append(trio.current_time())

    def tell(self, message: dict[str, Any]) -> None:
        self._send_here.send_nowait(message)

    def leave(self, **more: Any) -> None:
        """The client goes."""
        self.is_gone = True
        self.tell({"type": f"{self.scope['type']}.disconnect", **more})

    def close(self) -> None:
        self._send_here.close()
        self._receive_here.close()

    @property
    def status(self) -> int:
        """The status of the answer's head, which came first."""
        assert self.said[0]["type"] == "http.response.start"
        return int(self.said[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The answer's header lines."""
        return dict(self.said[0]["headers"])

    @property
    def body(self) -> bytes:
        """The answer's body, which must have ended, once."""
        ends = [not message["more_body"] for message in self.said[1:]]
        assert ends.count(True) == 1, self.said
        assert ends[-1]
        return b"".join(message["body"] for message in self.said[1:])


def body(piece: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": piece, "more_body": more}
