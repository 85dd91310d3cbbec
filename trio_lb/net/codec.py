"""The seam between bytes and heads: what a head parser must do, and nothing more.

``H11Codec`` is the reference. Another parser (a C one) joins by satisfying this
protocol under the same tests; nothing above notices. A codec sees only heads that
passed ``net.grammar`` and only splits them: what the fields mean is decided in
``net.request_rules`` and ``net.response_rules``.
"""

from typing import Protocol

import attrs

from trio_lb.model.message import Field, Reject


@attrs.frozen(slots=True)
class RawRequest:
    """A request head split into its parts; the target is as sent."""

    method: bytes
    target: bytes
    minor: int
    fields: list[Field]


@attrs.frozen(slots=True)
class RawResponse:
    """A response head split into its parts."""

    status: int
    reason: bytes
    minor: int
    fields: list[Field]


class HeadCodec(Protocol):
    """Parses one complete head, empty line included."""

    def parse_request(self, head: bytes) -> RawRequest | Reject:
        """Split a request head, or say why it is refused."""
        ...

    def parse_response(self, head: bytes) -> RawResponse | Reject:
        """Split a response head, interim or final, or say why it is refused (502)."""
        ...
