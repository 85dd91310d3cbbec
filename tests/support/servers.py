"""Servers of a play: one that follows a script, and one that simply answers HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

import trio

from tests.support.messages import Message
from tests.support.raw import RawPeer
from trio_lb.model.address import Address
from trio_lb.net.env import Listener, Stream

Script = Callable[[RawPeer], Awaitable[None]]
"""What a server does with one connection; at its end the connection is closed."""

Answer = Callable[[Message], bytes]
"""The bytes to send for a request; none at all: the connection is closed unanswered."""


class RawServer:
    """Follows ``script`` in each connection; ``peers`` are the connections, oldest first."""

    def __init__(self, name: str, listener: Listener, script: Script) -> None:
        self.name = name
        self.peers: list[RawPeer] = []
        self._listener = listener
        self._script = script

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._listener.address

    async def serve(self) -> None:
        """Accept until the listener is closed; the scripts end with this task."""
        async with aclosing(self._listener), trio.open_nursery() as nursery:
            while batch := await self._accept():
                for stream in batch:
                    peer = RawPeer(stream, f"{self.name}#{len(self.peers) + 1}")
                    self.peers.append(peer)
                    nursery.start_soon(self._follow, peer, name=f"script of {peer.name}")

    async def _accept(self) -> Sequence[Stream]:
        try:
            return await self._listener.accept_batch(64)
        except trio.ClosedResourceError:
            return ()

    async def _follow(self, peer: RawPeer) -> None:
        async with peer.stream:
            await self._script(peer)

    async def stop_listening(self) -> None:
        """Refuse new connections; those that stand live on."""
        await self._listener.aclose()

    async def crash(self) -> None:
        """Refuse new connections and reset those that stand."""
        await self._listener.aclose()
        for peer in self.peers:
            peer.reset()


class HttpServer(RawServer):
    """Answers each request, with its name unless ``answer`` says otherwise; keeps alive.

    ``requests`` are all requests in the order in which they were complete;
    ``think_seconds`` passes before each answer. Both knobs may be turned at any time.
    """

    def __init__(self, name: str, listener: Listener) -> None:
        super().__init__(name, listener, self._talk)
        self.requests: list[Message] = []
        self.answer: Answer = lambda request: answer_of(200, name.encode())
        self.think_seconds = 0.0

    async def _talk(self, peer: RawPeer) -> None:
        try:
            while await self._answer_one(peer):
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # The proxy cut it, or ``crash`` did: either is its right.

    async def _answer_one(self, peer: RawPeer) -> bool:
        if await peer.at_end():
            return False
        request = await peer.read_request()
        self.requests.append(request)
        await trio.sleep(self.think_seconds)
        answer = self.answer(request)
        await peer.send(answer)
        closes = (request.header("connection") or "").lower() == "close"
        return bool(answer) and not closes


def answer_of(status: int, body: bytes = b"", *headers: str) -> bytes:
    """A response with a length, and more header lines (``"Name: value"``) where wanted."""
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
