"""The downstream side's heads: reads requests, one head at a time, off an inbox."""

from trio_lb.model.message import Reject, RequestHead
from trio_lb.net.codec import HeadCodec
from trio_lb.net.grammar import REQUEST_HEAD, explain_partial_request, explain_request
from trio_lb.net.inbox import Inbox
from trio_lb.net.request_rules import read_request

_MAX_EMPTY_LINES = 8
"""Empty lines before a request line are skipped (RFC 9112 section 2.2), but not for ever."""


class RequestReader:
    """Finds and checks request heads under the limits of one configuration; stateless."""

    def __init__(
        self, codec: HeadCodec, *, head_size: int, target_size: int, header_count: int
    ) -> None:
        self._codec = codec
        self._head_size = head_size
        self._target_size = target_size
        self._header_count = header_count

    def next_head(self, inbox: Inbox) -> RequestHead | Reject | None:
        """Take a complete head off the inbox; None when more bytes are needed."""
        data = inbox.data
        if data.startswith(b"\r\n"):
            data = inbox.data = _skip_empty_lines(data)
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return self._judge_partial(data)
        end += 4
        if end > self._head_size:
            return self._too_large(data)
        inbox.data = data[end:]
        return self.parse(data[:end] if len(data) > end else data)

    def parse(self, head: bytes) -> RequestHead | Reject:
        """Check one complete head."""
        if not REQUEST_HEAD.fullmatch(head):
            return explain_request(head)
        raw = self._codec.parse_request(head)
        if isinstance(raw, Reject):
            return raw
        if len(raw.target) > self._target_size:
            return Reject(414, "uri_too_long", f"a target longer than {self._target_size} bytes")
        if len(raw.fields) > self._header_count:
            return Reject(431, "fields_too_large", f"more than {self._header_count} fields")
        return read_request(raw)

    def _judge_partial(self, data: bytes) -> Reject | None:
        if len(data) > self._head_size:
            return self._too_large(data)
        return explain_partial_request(data) if data else None

    def _too_large(self, data: bytes) -> Reject:
        line = data.find(b"\r\n")
        if line < 0 or line > self._target_size + 64:
            return Reject(414, "uri_too_long", f"a target longer than {self._target_size} bytes")
        return Reject(431, "fields_too_large", f"a head larger than {self._head_size} bytes")


def _skip_empty_lines(data: bytes) -> bytes:
    for _ in range(_MAX_EMPTY_LINES):
        if not data.startswith(b"\r\n"):
            break
        data = data[2:]
    return data
