"""One HTTP question to a server, over a fresh connection: the only user of h11 in control.

h11 spells the question, once for all checks of a server, and reads the answer. A head in the
spelling that nearly every server uses, of which only the status counts, is split as the
proxy splits it; h11's word on it is asked there, too. What is odd (lines that end in LF alone,
as small scripts write them) only h11 reads. The connection is closed with the verdict, also
when more of the answer is on its way.
"""

from functools import lru_cache
from typing import Final

import attrs
import h11

from trio_lb.config.schema import ProbeConfig
from trio_lb.model.address import Address
from trio_lb.model.message import Reject
from trio_lb.net.env import Stream
from trio_lb.net.grammar import RESPONSE_HEAD
from trio_lb.net.h11_codec import H11Codec

USER_AGENT: Final = "trio-lb-health/0.1"
MOST_BODY_BYTES: Final = 64 * 1024
"""How much of a body is searched for ``expected_body``."""
_CHUNK_BYTES: Final = 16 * 1024
_MOST_REMEMBERED: Final = 1024
_CODEC: Final = H11Codec()


async def ask(stream: Stream, address: Address, config: ProbeConfig) -> str | None:
    """Send the probe's request and judge the answer: None when good, else what is wrong.

    Raises:
      trio.BrokenResourceError: the connection was reset.
    """
    question = _Question.of(address, config)
    try:
        await _send(stream, question.spelt())
    except h11.LocalProtocolError as error:
        return f"the probe as configured is not HTTP: {error}"
    begun = await stream.receive_some(_CHUNK_BYTES)
    if config.expected_body is None and (status := _plain_status(begun)) is not None:
        return _wrong_with(status, config)
    if not begun:
        return "closed without an answer"
    try:
        return await _judge(_Answer(stream, question, begun), config)
    except h11.RemoteProtocolError as error:
        return f"not HTTP: {error}"


def _plain_status(data: bytes) -> int | None:
    """Return the status of a final head that is here as a whole and as usual, else None."""
    end = data.find(b"\r\n\r\n")
    head = data[: end + 4]
    if end < 0 or not RESPONSE_HEAD.fullmatch(head):
        return None
    answer = _CODEC.parse_response(head)
    return None if isinstance(answer, Reject) or answer.status < 200 else answer.status


@attrs.frozen(slots=True)
class _Question:
    """A request, by what it says."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, address: Address, config: ProbeConfig) -> "_Question":
        fields = headers_of(address, config) | {"connection": ("Connection", "close")}
        return cls(config.method, config.path, tuple(fields.values()))

    @lru_cache(_MOST_REMEMBERED)  # noqa: B019 - keyed by what it says, not by who holds it
    def spelt(self) -> bytes:
        """Return the bytes.

        Raises:
          h11.LocalProtocolError: no request can say that.
        """
        return self.put_to(h11.Connection(h11.CLIENT))

    def put_to(self, connection: h11.Connection) -> bytes:
        request = h11.Request(method=self.method, target=self.target, headers=list(self.fields))
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
    """What the server says, event by event, of which ``begun`` was read already."""

    def __init__(self, stream: Stream, question: _Question, begun: bytes) -> None:
        self._stream = stream
        self._connection = h11.Connection(h11.CLIENT)
        question.put_to(self._connection)
        self._connection.receive_data(begun)

    async def next(self) -> h11.Event:
        """Wait for the next event; at the end of the stream h11 says what is missing."""
        while not isinstance(event := self._connection.next_event(), h11.Event):
            self._connection.receive_data(await self._stream.receive_some(_CHUNK_BYTES))
        return event


async def _judge(answer: _Answer, config: ProbeConfig) -> str | None:
    """Skip interim answers and judge the final one."""
    while not isinstance(event := await answer.next(), h11.Response):
        pass
    return _wrong_with(event.status_code, config) or await _search(answer, config.expected_body)


def _wrong_with(status: int, config: ProbeConfig) -> str | None:
    return None if _is_good(status, config) else f"status {status}"


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
