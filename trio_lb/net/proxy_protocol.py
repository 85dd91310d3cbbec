"""Taking a PROXY header off the front of a connection; see ``proxy_header`` for its form.

The specification lets nothing of the connection be touched before the header is whole and
right, and forbids to guess whether there is one: a listener that asks for it cuts all who
send none.
"""

from collections.abc import Collection
from typing import Final

from trio_lb.model.errors import DownstreamError
from trio_lb.net.env import Stream
from trio_lb.net.prefaced import PrefacedStream
from trio_lb.net.proxy_header import ANY, Header, Malformed, decode
from trio_lb.net.proxy_header import Version as Version
from trio_lb.net.proxy_writer import encode as encode
from trio_lb.net.proxy_writer import encode_own as encode_own

_READ_BYTES: Final = 536
"""Every header fits, as a rule, and little of what follows is read with it."""


class HeaderRefused(DownstreamError):
    """The peer sent no whole PROXY header; nothing of what it sent may be used."""


async def read_proxy_header(stream: Stream, versions: Collection[Version] = ANY) -> PrefacedStream:
    """Read the header and return the stream behind it, under the addresses that it names.

    What came together with the header is received first from the stream that is returned.
    There is no time limit here; cancelled or failed, ``stream`` is still the caller's to close.

    Raises:
      HeaderRefused: something else was sent, or the end came first.
      trio.BrokenResourceError: the peer reset the connection.
    """
    data = b""
    while True:
        piece = await stream.receive_some(_READ_BYTES)
        data += piece
        verdict = decode(data, versions)
        if isinstance(verdict, Header):
            rest = data[verdict.consumed :]
            return PrefacedStream(stream, rest, peer=verdict.source, local=verdict.destination)
        if isinstance(verdict, Malformed):
            raise HeaderRefused(verdict.reason)
        if not piece:
            raise HeaderRefused(f"it ended after {len(data)} bytes of a PROXY header")
