"""A raw peer: one end of a connection that says and expects exactly what a script tells it.

Everything it expects is an assertion: other bytes, an end or a reset at the wrong
place fail the test with what was seen instead.
"""

import attrs
import trio

from tests.support.messages import Message, has_no_body, is_chunked, parse_head
from tests.support.stage import send_all
from trio_lb.net.env import Stream


class RawPeer:
    """Wraps a stream. ``received`` keeps every byte that ever came, also those not asked for."""

    def __init__(self, stream: Stream, name: str) -> None:
        self.stream = stream
        self.name = name
        self.received = bytearray()
        self._used = 0

    # Saying.

    async def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        await send_all(self.stream, data)

    async def send_slowly(self, data: bytes, *, seconds_a_byte: float) -> None:
        """Trickle."""
        for position in range(len(data)):
            await trio.sleep(seconds_a_byte)
            await self.send(data[position : position + 1])

    async def send_eof(self) -> None:
        """Half-close: say that no more comes."""
        await self.stream.send_eof()

    async def close(self) -> None:
        """Close in an orderly way."""
        await self.stream.aclose()

    def reset(self) -> None:
        """Close with RST."""
        self.stream.abort()

    # Expecting.

    async def expect(self, data: bytes) -> None:
        """Exactly these bytes come next."""
        while len(self._waiting()) < len(data) and data.startswith(self._waiting()):
            await self._need_more(data)
        came = self._take(len(data))
        assert came == data, f"{self.name} expected {data!r}, but {came!r} came"

    async def _need_more(self, expected: object) -> None:
        if not await self._receive():
            raise AssertionError(
                f"{self.name} expected {expected!r}, but it ended after {self._waiting()!r}"
            )

    def _waiting(self) -> bytes:
        return bytes(self.received[self._used :])

    async def expect_until(self, mark: bytes) -> bytes:
        """Everything up to and with ``mark``."""
        while (position := self.received.find(mark, self._used)) < 0:
            await self._need_more(mark)
        return self._take(position + len(mark) - self._used)

    async def expect_bytes(self, size: int) -> bytes:
        """Exactly that many bytes."""
        while len(self.received) - self._used < size:
            await self._need_more(f"{size} bytes")
        return self._take(size)

    async def expect_rest(self) -> bytes:
        """Everything up to the end of file."""
        while await self._receive():
            pass
        return self._take(len(self.received))

    async def eof(self) -> None:
        """The end of file comes next, and nothing before it."""
        rest = await self.expect_rest()
        assert rest == b"", f"{self.name} expected the end, but {rest!r} came"

    async def at_end(self) -> bool:
        """Wait for the next byte or the end of file; true when it is the end."""
        return not self._waiting() and not await self._receive()

    async def expect_reset(self) -> None:
        """The connection breaks, whatever comes before."""
        try:
            while await self._receive():
                pass
        except trio.BrokenResourceError:
            return
        raise AssertionError(f"{self.name} expected a reset, but an orderly end came")

    async def _receive(self) -> bytes:
        data = await self.stream.receive_some(65536)
        self.received += data
        return data

    def _take(self, size: int) -> bytes:
        data = bytes(self.received[self._used : self._used + size])
        self._used += len(data)
        return data

    # HTTP/1.1.

    async def read_request(self) -> Message:
        """The next request, with its body."""
        head = parse_head(await self.expect_until(b"\r\n\r\n"))
        return await self._with_body(head, until_close=False)

    async def read_response(self, to_method: str = "GET") -> Message:
        """The next response, an interim one too, to a request of that method."""
        head = parse_head(await self.expect_until(b"\r\n\r\n"))
        if has_no_body(head, to_method):
            return head
        return await self._with_body(head, until_close=True)

    async def _with_body(self, head: Message, *, until_close: bool) -> Message:
        if is_chunked(head):
            return await self._with_chunks(head)
        length = head.header("content-length")
        if length is not None:
            return attrs.evolve(head, body=await self.expect_bytes(int(length)))
        return attrs.evolve(head, body=await self.expect_rest()) if until_close else head

    async def _with_chunks(self, head: Message) -> Message:
        body = b""
        while size := int((await self.expect_until(b"\r\n")).split(b";")[0], 16):
            body += await self.expect_bytes(size)
            await self.expect(b"\r\n")
        trailers = b""
        while (line := await self.expect_until(b"\r\n")) != b"\r\n":
            trailers += line
        parsed = parse_head(b"trailers\r\n" + trailers + b"\r\n")
        return attrs.evolve(head, body=body, trailers=parsed.headers)


class RawClient(RawPeer):
    """The end that connected."""
