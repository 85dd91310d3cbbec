"""Request heads off an inbox: one at a time, however they come, within bounds."""

import pytest
from hypothesis import given

from tests.net.heads import CUTS, request_heads, spoiled
from tests.net.wires import Recorded, split
from trio_lb.model.message import Reject, RequestHead
from trio_lb.net.h1_downstream import RequestReader
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.inbox import Inbox

READER = RequestReader(H11Codec(), head_size=32768, target_size=16384, header_count=100)
SMALL = RequestReader(H11Codec(), head_size=200, target_size=50, header_count=3)

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def inbox_with(data: bytes) -> Inbox:
    inbox = Inbox(Recorded([]), 4096)
    inbox.data = data
    return inbox


def read(reader: RequestReader, *pieces: bytes) -> RequestHead | Reject | None:
    """The first head that comes of these pieces, looked for after each of them."""
    inbox = inbox_with(b"")
    head = None
    for piece in pieces:
        inbox.data += piece
        head = reader.next_head(inbox)
        if head is not None:
            break
    return head


def status(head: RequestHead | Reject | None) -> int | None:
    return head.status if isinstance(head, Reject) else None


def test_one_head_is_taken_and_what_follows_stays() -> None:
    inbox = inbox_with(b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" + GET)
    first = READER.next_head(inbox)
    assert isinstance(first, RequestHead)
    assert (first.target, inbox.data) == (b"/1", b"hi" + GET)


def test_pipelined_requests_come_one_by_one() -> None:
    inbox = inbox_with(GET.replace(b"/ ", b"/1 ") + GET.replace(b"/ ", b"/2 ") + b"GET /3")
    targets = []
    while isinstance(head := READER.next_head(inbox), RequestHead):
        targets.append(head.target)
    assert (head, targets, inbox.data) == (None, [b"/1", b"/2"], b"GET /3")


def test_half_a_head_is_left_where_it_is() -> None:
    inbox = inbox_with(GET[:-1])
    assert READER.next_head(inbox) is None
    assert inbox.data == GET[:-1]


def test_nothing_yet_is_no_fault() -> None:
    inbox = inbox_with(b"")
    assert READER.next_head(inbox) is None


@pytest.mark.parametrize(("lines", "refused"), [(0, None), (1, None), (8, None), (9, 400)])
def test_eight_empty_lines_before_a_request_are_forgiven(lines: int, refused: int | None) -> None:
    assert status(read(READER, b"\r\n" * lines + GET)) == refused


def test_an_empty_line_is_used_up_even_before_the_request_came() -> None:
    inbox = inbox_with(b"\r\n")
    assert READER.next_head(inbox) is None
    assert inbox.data == b""


# Bounds: the number itself is allowed, one more is not.


@pytest.mark.parametrize(("size", "refused"), [(50, None), (51, 414)])
def test_a_target_may_be_as_long_as_the_limit(size: int, refused: int | None) -> None:
    target = b"/".ljust(size, b"a")
    assert status(read(SMALL, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")) == refused


@pytest.mark.parametrize(("count", "refused"), [(3, None), (4, 431)])
def test_there_may_be_as_many_fields_as_the_limit(count: int, refused: int | None) -> None:
    fields = b"A: b\r\n" * (count - 1)
    assert status(read(SMALL, GET[:-2] + fields + b"\r\n")) == refused


@pytest.mark.parametrize(("size", "refused"), [(200, None), (201, 431)])
def test_a_head_may_be_as_large_as_the_limit_its_empty_line_included(
    size: int, refused: int | None
) -> None:
    head = GET[:-2] + b"A: " + b"b" * (size - len(GET) - 5) + b"\r\n\r\n"
    assert len(head) == size
    assert status(read(SMALL, head)) == refused
    assert status(read(SMALL, head[:100], head[100:])) == refused


@pytest.mark.parametrize(
    ("data", "refused", "message"),
    [
        (b"GET /" + b"a" * 300, 414, "a target longer than 50 bytes"),
        (b"GET /" + b"a" * 300 + b" HTTP/1.1\r\n", 414, "a target longer than 50 bytes"),
        (GET[:-2] + b"A: " + b"b" * 300, 431, "a head larger than 200 bytes"),
        (
            b"GET " + b"/".ljust(50, b"a") + b" HTTP/1.1\r\nA: " + b"b" * 300,
            431,
            "a head larger than 200 bytes",
        ),
        (GET[:-2] + b"A: b\r\n" * 50, 431, "a head larger than 200 bytes"),
    ],
)
def test_what_outgrows_the_limit_is_refused_without_its_end(
    data: bytes, refused: int, message: str
) -> None:
    head = read(SMALL, data)
    assert isinstance(head, Reject)
    assert (head.status, head.message) == (refused, message)


def test_the_body_behind_a_head_does_not_count_as_head() -> None:
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n"
    assert isinstance(read(SMALL, post + bytes(5000)), RequestHead)


@pytest.mark.parametrize(
    ("data", "refused"),
    [(b"\x16\x03\x01", 400), (b"GET /\r\n", 400), (b"GET / HTTP/2.0\r\n", 505), (b"a\n", 400)],
)
def test_what_can_never_become_a_head_is_refused_before_its_end(data: bytes, refused: int) -> None:
    assert status(read(READER, data)) == refused


# However it is cut.

HEADS = [
    GET,
    b"\r\n\r\n" + GET,
    b"POST /a HTTP/1.0\r\nContent-Length: 3\r\nA: \r\n\r\n",
    b"PUT http://b/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n",
    b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize("head", HEADS)
def test_a_head_cut_at_any_offset_reads_the_same(head: bytes) -> None:
    whole = read(READER, head)
    for offset in range(1, len(head)):
        assert same(read(READER, head[:offset], head[offset:]), whole)
    assert same(read(READER, *(head[at : at + 1] for at in range(len(head)))), whole)


def same(one: RequestHead | Reject | None, other: RequestHead | Reject | None) -> bool:
    """Equal heads; or refusals of one status, whose reason may be seen earlier or later."""
    if isinstance(one, Reject) and isinstance(other, Reject):
        return one.status == other.status
    return one == other


@given(request_heads() | spoiled(request_heads()), CUTS)
def test_any_head_in_any_pieces_reads_the_same(head: bytes, cuts: list[int]) -> None:
    assert same(read(READER, *split(head, cuts)), read(READER, head))


@given(request_heads(), CUTS)
def test_what_stands_behind_a_head_is_never_touched(head: bytes, cuts: list[int]) -> None:
    inbox = inbox_with(b"")
    pieces = split(head, cuts)
    for piece in pieces[:-1]:
        inbox.data += piece
        assert READER.next_head(inbox) is None
    inbox.data += pieces[-1] + b"\r\nnext"
    assert READER.next_head(inbox) is not None
    assert inbox.data == b"\r\nnext"
