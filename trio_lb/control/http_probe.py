"""One HTTP question to a server, over a fresh connection: the only user of h11 in control.

Probes are not the hot path, so h11 does all of the reading. The connection is closed
with the verdict, also when more of the answer is on its way.
"""

from typing import Final

import h11

from trio_lb.config.schema import ProbeConfig
from trio_lb.model.address import Address
from trio_lb.net.env import Stream

USER_AGENT: Final = "trio-lb-health/0.1"
MOST_BODY_BYTES: Final = 64 * 1024
"""How much of a body is searched for ``expected_body``."""
_CHUNK_BYTES: Final = 16 * 1024


async def ask(stream: Stream, address: Address, config: ProbeConfig) -> str | None:
    """Send the probe's request and judge the answer: None when good, else what is wrong.

    Raises:
      trio.BrokenResourceError: the connection was reset.
    """
    connection = h11.Connection(h11.CLIENT)
    answer = _Answer(stream, connection)
    try:
        await _send(stream, _request(connection, address, config))
        return await _judge(answer, config)
    except h11.RemoteProtocolError as error:
        return f"not HTTP: {error}" if answer.has_begun else "closed without an answer"
    except h11.LocalProtocolError as error:
        return f"the probe as configured is not HTTP: {error}"


def _request(connection: h11.Connection, address: Address, config: ProbeConfig) -> bytes:
    fields = headers_of(address, config) | {"connection": ("Connection", "close")}
    request = h11.Request(method=config.method, target=config.path, headers=list(fields.values()))
    head = connection.send(request) or b""
    return head + (connection.send(h11.EndOfMessage()) or b"")


def headers_of(address: Address, config: ProbeConfig) -> dict[str, tuple[str, str]]:
    """Return the configured fields over ours, as name and value by the name in lower case."""
    ours = {
        "host": ("Host", "localhost" if address.is_unix or address.is_inside else str(address)),
        "user-agent": ("User-Agent", USER_AGENT),
        "accept": ("Accept", "*/*"),
    }
    return ours | {name.lower(): (name, value) for name, value in config.headers.items()}


async def _send(stream: Stream, data: bytes) -> None:
    view = memoryview(data)[stream.send_nowait(data) :]  # Mostly all of it: no turn is lost.
    while view:
        view = view[await stream.send_some(view) :]


class _Answer:
    """What the server says, event by event. ``has_begun`` with its first byte."""

    def __init__(self, stream: Stream, connection: h11.Connection) -> None:
        self.has_begun = False
        self._stream = stream
        self._connection = connection

    async def next(self) -> h11.Event:
        """Wait for the next event; at the end of the stream h11 says what is missing."""
        while not isinstance(event := self._connection.next_event(), h11.Event):
            data = await self._stream.receive_some(_CHUNK_BYTES)
            self.has_begun = self.has_begun or bool(data)
            self._connection.receive_data(data)
        return event


async def _judge(answer: _Answer, config: ProbeConfig) -> str | None:
    """Skip interim answers and judge the final one."""
    while not isinstance(event := await answer.next(), h11.Response):
        pass
    if not _is_good(event.status_code, config):
        return f"status {event.status_code}"
    return await _search(answer, config.expected_body)


def _is_good(status: int, config: ProbeConfig) -> bool:
    if config.expected_status is None:
        return 200 <= status <= 399
    return status in config.expected_status


async def _search(answer: _Answer, wanted: str | None) -> str | None:
    if wanted is None:
        return None
    body, needle = b"", wanted.encode()
    while isinstance(event := await answer.next(), h11.Data):
        body = (body + event.data)[:MOST_BODY_BYTES]
        if needle in body:
            return None
        if len(body) == MOST_BODY_BYTES:
            break
    return f"the body does not hold {wanted!r}"
