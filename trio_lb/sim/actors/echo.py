"""A server's end of a WebSocket: it says again whatever it is told, until the client closes."""

from collections.abc import Callable

from wsproto import ConnectionType
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event

from trio_lb.sim.actors.end import End
from trio_lb.sim.actors.http1 import Head
from trio_lb.sim.actors.talk import Talk


def wants_websocket(head: Head) -> bool:
    """Whether a request asks for a WebSocket."""
    return (head.get(b"upgrade") or b"").lower() == b"websocket"


class Echo:
    """Accepts a WebSocket and echoes.

    ``on_over(size)`` is called when it was closed in good order, with how many bytes of messages
    were said; ``on_gone(reason)`` when it broke.
    """

    def __init__(
        self,
        stream: End,
        head: Head,
        server: str,
        on_over: Callable[[int], object],
        on_gone: Callable[[str], object],
    ) -> None:
        self._said_bytes = 0
        self._on_over = on_over
        self._talk = Talk(stream, ConnectionType.SERVER, self._echo, self._event, on_gone)
        self._talk.protocol.initiate_upgrade_connection(head.fields(), b"/")
        self._talk.say(AcceptConnection(extra_headers=[(b"x-served-by", server.encode())]))

    def _echo(self, payload: bytes) -> None:
        self._said_bytes += len(payload)
        self._talk.say(BytesMessage(payload))

    def _event(self, event: Event) -> None:
        if isinstance(event, CloseConnection):
            self._talk.say(event.response())
            self._on_over(self._said_bytes)

    def rest(self) -> None:
        """Hear of nothing more."""
        self._talk.rest()
