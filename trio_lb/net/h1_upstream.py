"""The upstream side's heads: reads answers, one head at a time, off an inbox."""

from trio_lb.model.message import Reject, RequestHead, ResponseHead
from trio_lb.net.codec import HeadCodec
from trio_lb.net.grammar import RESPONSE_HEAD, explain_partial_response, explain_response
from trio_lb.net.inbox import Inbox
from trio_lb.net.response_rules import read_response


class HeadCut(Exception):
    """The server closed before a complete response head; ``seen`` bytes of it had come."""

    def __init__(self, seen: int) -> None:
        super().__init__(f"closed after {seen} bytes of a response head")
        self.seen = seen


class ResponseReader:
    """Reads response heads under the limits of one configuration; shared, stateless."""

    def __init__(self, codec: HeadCodec, *, head_size: int, header_count: int) -> None:
        self._codec = codec
        self._head_size = head_size
        self._header_count = header_count

    async def read(self, inbox: Inbox, request: RequestHead) -> ResponseHead | Reject:
        """Wait for the next head, interim or final, and take it off the inbox.

        May be cancelled at any wait and called again.

        Raises:
          HeadCut: the connection ended first.
          trio.BrokenResourceError: the connection was reset first.
        """
        while (head := self.next_head(inbox, request)) is None:
            if not await inbox.fill():
                raise HeadCut(len(inbox.data))
        return head

    def next_head(self, inbox: Inbox, request: RequestHead) -> ResponseHead | Reject | None:
        """Take a complete head off the inbox; None when more bytes are needed."""
        data = inbox.data
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            head = data[: end + 4]
            inbox.data = data[end + 4 :]
            return self.parse(head, request)
        if len(data) > self._head_size:
            return Reject(502, "bad_response", f"a head larger than {self._head_size} bytes")
        return explain_partial_response(data) if data else None

    def parse(self, head: bytes, request: RequestHead) -> ResponseHead | Reject:
        """Check one complete head as the answer to ``request``."""
        if len(head) > self._head_size or head.count(b"\n") - 2 > self._header_count:
            return Reject(502, "bad_response", "a head beyond limits.head_size or header_count")
        if not RESPONSE_HEAD.fullmatch(head):
            return explain_response(head)
        raw = self._codec.parse_response(head)
        if isinstance(raw, Reject):
            return raw
        return read_response(raw, request)
