"""A WebSocket over a virtual stream, without a task: frames out, events in.

wsproto does the protocol; this brings it bytes as they come and takes along what it says.
"""

from collections.abc import Callable
from typing import Final

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import Event, Message, Ping
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from trio_lb.sim.actors.end import Distrusted, End
from trio_lb.sim.watch import Watch

_PIECE_BYTES: Final = 65536


class Talk:
    """One end of a WebSocket.

    ``on_message(payload)`` is called for each whole message, ``on_event(event)`` for all else but
    pings, which are answered here. ``on_gone(reason)`` is called once, when the connection broke
    or ended: ``reset``, ``certificate``, ``closed`` or ``garbled``.
    """

    def __init__(
        self,
        stream: End,
        side: ConnectionType,
        on_message: Callable[[bytes], object],
        on_event: Callable[[Event], object],
        on_gone: Callable[[str], object],
    ) -> None:
        self.stream = stream
        self.protocol = WSConnection(side)
        self._on_message = on_message
        self._on_event = on_event
        self._on_gone = on_gone
        self._parts: list[bytes] = []
        self._left = b""
        self._room: Watch | None = None
        self._watch = stream.watch_arrivals(self._look)

    def say(self, event: Event) -> None:
        """Send what an event stands for; after the end of the conversation nothing."""
        try:
            self._left += self.protocol.send(event)
        except LocalProtocolError:
            return  # A close came first: there is nothing more to say.
        self._push()

    def _push(self) -> None:
        if not self._left:
            return
        try:
            self._left = self._left[self.stream.send_nowait(self._left) :]
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # It is heard of by who reads.
        if self._left and self._room is None:
            self._room = self.stream.watch_room(self._push)
        elif self._left and self._room is not None:
            self._room.arm()

    def _look(self) -> None:
        try:
            while data := self.stream.receive_nowait(_PIECE_BYTES):
                self.hear(data)
            if data is None:
                self._watch.arm()
            else:
                self._gone("closed")
        except Distrusted:
            self._gone("certificate")
        except trio.BrokenResourceError:
            self._gone("reset")
        except trio.ClosedResourceError:
            return
        except RemoteProtocolError:
            self._gone("garbled")

    def hear(self, data: bytes) -> None:
        """Take bytes that came.

        Raises:
          RemoteProtocolError: they are no WebSocket.
        """
        self.protocol.receive_data(data)
        for event in self.protocol.events():
            if isinstance(event, Ping):
                self.say(event.response())
            elif isinstance(event, Message):
                self._take(event)
            else:
                self._on_event(event)

    def _take(self, part: Message) -> None:  # type: ignore[type-arg]  # Text and bytes alike.
        data = part.data.encode() if isinstance(part.data, str) else bytes(part.data)
        self._parts.append(data)
        if part.message_finished:
            payload, self._parts = b"".join(self._parts), []
            self._on_message(payload)

    def _gone(self, reason: str) -> None:
        self.leave(reset=reason == "garbled")
        self._on_gone(reason)

    def leave(self, *, reset: bool = False) -> None:
        """Close the connection under it, and hear of nothing more."""
        if reset:
            self.stream.abort()
        else:
            self.stream.close()
        self.rest()

    def rest(self) -> None:
        """Hear of nothing more: somebody else closes the stream now."""
        self._watch.end()
        if self._room is not None:
            self._room.end()
