"""Response heads off an inbox: the same whatever the pieces, refused as early as can be."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.net.wires import inbox_of, split
from trio_lb.model.message import Reject, RequestHead, ResponseHead, Unsized
from trio_lb.net.h1_upstream import HeadCut, ResponseReader
from trio_lb.net.h11_codec import H11Codec

READER = ResponseReader(H11Codec(), head_size=1024, header_count=10)
GET = RequestHead(b"GET", b"/", 1, [], b"a", Unsized.NO_BODY, frozenset())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\n\r\n"


async def read(*pieces: bytes, broken: bool = False) -> tuple[ResponseHead | Reject, bytes]:
    inbox = inbox_of(*pieces, broken=broken)
    return await READER.read(inbox, GET), inbox.data


@given(st.lists(st.integers(0, len(HEAD)), max_size=10))
def test_every_split_of_a_head_reads_the_same(cuts: list[int]) -> None:
    async def read_pieces() -> ResponseHead | Reject:
        return (await read(*split(HEAD, cuts)))[0]

    assert trio.run(read_pieces) == READER.parse(HEAD, GET)


async def test_what_follows_a_head_stays() -> None:
    head, rest = await read(HEAD + b"hello")
    assert isinstance(head, ResponseHead)
    assert rest == b"hello"


async def test_interim_heads_come_one_by_one() -> None:
    inbox = inbox_of(b"HTTP/1.1 103 Hints\r\n\r\n" + HEAD)
    statuses = []
    for _ in range(2):
        head = await READER.read(inbox, GET)
        assert isinstance(head, ResponseHead)
        statuses.append(head.status)
    assert statuses == [103, 200]


@pytest.mark.parametrize("size", [0, 1, len(HEAD) - 1])
async def test_an_end_before_a_complete_head_says_how_much_of_it_came(size: int) -> None:
    with pytest.raises(HeadCut) as caught:
        await read(HEAD[:size])
    assert caught.value.seen == size


async def test_a_reset_before_a_complete_head_is_told() -> None:
    with pytest.raises(trio.BrokenResourceError):
        await read(HEAD[:5], broken=True)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH",
        b"HTTP/1.1 200 OK\nX: 1",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1024,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1024 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 11 + b"\r\n",
    ],
)
async def test_what_is_too_large_or_no_response_is_a_502_without_waiting(data: bytes) -> None:
    with trio.fail_after(1.0):
        refusal, _ = await read(data, broken=True)
    assert isinstance(refusal, Reject)
    assert refusal.status == 502


async def test_what_is_just_small_enough_is_read() -> None:
    head, _ = await read(b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 10 + b"\r\n")
    assert isinstance(head, ResponseHead)


async def test_a_cancelled_read_goes_on_where_it_was() -> None:
    inbox = inbox_of(HEAD[:10], HEAD[10:])
    await inbox.fill()
    with trio.CancelScope() as scope:
        scope.cancel()
        await READER.read(inbox, GET)
    assert scope.cancelled_caught
    assert isinstance(await READER.read(inbox, GET), ResponseHead)
