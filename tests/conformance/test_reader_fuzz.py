"""The readers by themselves: thousands of streams a second, no network, no proxy.

Two laws. How the bytes are cut into segments changes nothing. And where the strict
parser and the reader both understand a message, they understand the same one.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance import strict
from tests.conformance.mutations import CHUNK_NOISE, Stream, request_streams
from tests.conformance.script import chunked
from tests.conformance.test_fuzz import ASKED
from trio_lb.model.message import Reject
from trio_lb.net.body import BodyRefused, open_body
from trio_lb.net.chunked import ChunkedReader
from trio_lb.net.env import Stream as NetworkStream
from trio_lb.net.h1_downstream import RequestReader
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.inbox import Inbox

Understood = tuple[list[tuple[bytes, bytes, bytes]], bool]
"""Method, target and body of each complete request; whether the rest was refused."""

REFUSED: Final = "refused"
fuzz = settings(
    max_examples=int(ASKED) if ASKED else 400,
    derandomize=ASKED is None,
    deadline=None,
    database=None,
)


def read_messages(inbox: Inbox, more: Callable[[], bool]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Read one request after the other; ``more`` puts the next segment into the inbox."""
    reader = RequestReader(H11Codec(), head_size=32768, target_size=16384, header_count=100)
    while True:
        head = reader.next_head(inbox)
        if isinstance(head, Reject):
            raise BodyRefused(head)
        if head is None:
            if not more():
                return
            continue
        body, payload = open_body(inbox, head.framing, wire=False), b""
        while not body.at_end():
            if piece := body.take():
                payload += piece
            elif not body.at_end() and not more():
                return
        yield head.method, head.target, payload


def understood(pieces: tuple[bytes, ...]) -> Understood:
    """What the product's request reader makes of these segments."""
    # The pieces are put into the inbox by hand: nothing ever reads from its stream.
    inbox = Inbox(cast(NetworkStream, None), 1024)
    feed = iter(pieces)

    def more() -> bool:
        piece = next(feed, b"")
        inbox.data += piece
        return bool(piece)

    messages: list[tuple[bytes, bytes, bytes]] = []
    try:
        for message in read_messages(inbox, more):
            messages.append(message)
    except BodyRefused:
        return messages, True
    return messages, False


@fuzz
@given(request_streams(most_mutations=4))
def test_how_a_request_stream_is_cut_changes_nothing(stream: Stream) -> None:
    whole = understood((stream.data,))
    assert understood(stream.pieces) == whole
    assert understood(tuple(stream.data[i : i + 1] for i in range(len(stream.data)))) == whole


@fuzz
@given(request_streams(most_mutations=4))
def test_the_reader_and_the_strict_parser_never_disagree(stream: Stream) -> None:
    theirs, _ = understood((stream.data,))
    ours = [(m.method, m.target, m.body) for m in strict.read_requests(stream.data).messages]
    assert theirs[: len(ours)] == ours[: len(theirs)]


@fuzz
@given(request_streams(most_mutations=0))
def test_the_reader_understands_every_valid_stream_whole(stream: Stream) -> None:
    ours = [(m.method, m.target, m.body) for m in strict.read_requests(stream.data).messages]
    assert understood((stream.data,)) == (ours, False)


def unchunked(pieces: tuple[bytes, ...], *, wire: bool) -> tuple[bytes, str | bytes]:
    """Payload or coding up to the end, and what stood behind it; or that it was refused."""
    reader, out = ChunkedReader(wire=wire), b""
    for number, piece in enumerate(pieces):
        read = reader.feed(piece)
        if isinstance(read, Reject):
            return out, REFUSED
        out += b"".join(read)
        if reader.done:
            return out, reader.rest + b"".join(pieces[number + 1 :])
    return out, "unfinished"


@st.composite
def chunk_streams(draw: st.DrawFn) -> bytes:
    """Chunks, some of them noise, with or without an end."""
    good = [
        b"1\r\nx\r\n",
        b"a;b=c\r\n0123456789\r\n",
        b"0003\r\n\r\n0\r\n",
        chunked(b"hi", last=b""),
    ]
    parts = st.one_of(st.sampled_from(good), st.sampled_from(good + list(CHUNK_NOISE)))
    ends = [
        b"0\r\n\r\n",
        b"0\r\nX-T: 1\r\n\r\n",
        b"0\r\n\r\nGET /next",
        b"0\r\nX-T : 1\r\n\r\n",
        b"",
    ]
    return b"".join(draw(st.lists(parts, max_size=6))) + draw(st.sampled_from(ends))


@fuzz
@given(chunk_streams(), st.sets(st.integers(1, 60), max_size=8), st.booleans())
def test_how_chunks_are_cut_changes_nothing(data: bytes, cuts: set[int], wire: bool) -> None:
    edges = [0, *sorted(c for c in cuts if c < len(data)), len(data)]
    pieces = tuple(data[a:b] for a, b in pairwise(edges) if a < b)
    (whole, end), (parts, other) = unchunked((data,), wire=wire), unchunked(pieces, wire=wire)
    assert other == end
    if end != REFUSED:  # What came out before a refusal may be more when it came earlier.
        assert parts == whole


@fuzz
@given(chunk_streams())
def test_relayed_chunks_are_strict_and_hold_the_same_payload(data: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    coding, end = unchunked((data,), wire=True)
    payload, same = unchunked((data,), wire=False)
    assert end == same
    if isinstance(end, bytes):
        message = strict.read_request(head + coding + b"0\r\n\r\n")
        assert message is not None
        assert (message.body, message.size) == (payload, len(head + coding) + 5)
    theirs = strict.read_requests(head + data).messages
    if theirs and isinstance(end, bytes):
        assert theirs[0].body == payload
