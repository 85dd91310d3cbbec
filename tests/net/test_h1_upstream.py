"""Answer heads off an inbox: waited for, checked, and a cut told from a reset."""

from functools import partial

import pytest
import trio
from hypothesis import given

from tests.net.heads import CUTS, response_heads, spoiled
from tests.net.wires import inbox_of, split
from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.model.message import Length, Reject, RequestHead, ResponseHead, Unsized
from trio_lb.net.h1_upstream import HeadCut, ResponseReader
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.inbox import Inbox

READER = ResponseReader(H11Codec(), head_size=32768, header_count=100)
SMALL = ResponseReader(H11Codec(), head_size=100, header_count=3)
ASKED = RequestHead(b"GET", b"/", 1, [], b"a", Unsized.NO_BODY, frozenset())

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


async def refusal(reader: ResponseReader, *pieces: bytes) -> str:
    """Why these pieces are no answer."""
    head = await reader.read(inbox_of(*pieces), ASKED)
    assert isinstance(head, Reject), head
    assert (head.status, head.code) == (502, "bad_response")
    return head.message


async def test_a_head_is_waited_for_and_its_body_left_in_the_inbox() -> None:
    inbox = inbox_of(b"HTTP/1.1 20", b"0 OK\r\nContent-Length: 2\r\n\r", b"\nhi", b"stray")
    head = await READER.read(inbox, ASKED)
    assert isinstance(head, ResponseHead)
    assert (head.status, head.framing, inbox.data) == (200, Length(2), b"hi")


def test_of_an_incomplete_head_nothing_is_taken() -> None:
    inbox = inbox_of()
    inbox.data = OK[:-1]
    assert READER.next_head(inbox, ASKED) is None
    assert inbox.data == OK[:-1]


async def test_interim_heads_come_one_by_one_before_the_final_one() -> None:
    inbox = inbox_of(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK)
    heads = [await READER.read(inbox, ASKED) for _ in range(3)]
    statuses = [head.status for head in heads if isinstance(head, ResponseHead)]
    assert (statuses, inbox.data) == ([100, 103, 200], b"")


@pytest.mark.parametrize("seen", [0, 1, 7, len(OK) - 1])
async def test_an_end_in_a_head_tells_how_much_of_it_had_come(seen: int) -> None:
    with pytest.raises(HeadCut, match=f"after {seen} bytes") as caught:
        await READER.read(inbox_of(OK[:seen]), ASKED)
    assert caught.value.seen == seen


async def test_a_reset_in_a_head_is_a_reset() -> None:
    with pytest.raises(trio.BrokenResourceError):
        await READER.read(inbox_of(OK[:10], broken=True), ASKED)


async def test_a_head_that_came_before_the_reset_still_counts() -> None:
    head = await READER.read(inbox_of(OK, broken=True), ASKED)
    assert isinstance(head, ResponseHead)


@pytest.mark.parametrize(("size", "fits"), [(100, True), (101, False)])
async def test_a_head_may_be_as_large_as_the_limit(size: int, fits: bool) -> None:
    head = OK[:-2] + b"A: " + b"b" * (size - len(OK) - 5) + b"\r\n\r\n"
    assert len(head) == size
    read = await SMALL.read(inbox_of(head[:50], head[50:]), ASKED)
    assert isinstance(read, ResponseHead) is fits


@pytest.mark.parametrize(("count", "fits"), [(3, True), (4, False)])
def test_there_may_be_as_many_fields_as_the_limit(count: int, fits: bool) -> None:
    read = SMALL.parse(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * count + b"\r\n", ASKED)
    assert isinstance(read, ResponseHead) is fits


async def test_a_head_that_never_ends_is_refused_once_it_outgrows_the_limit() -> None:
    assert await refusal(SMALL, OK[:-2], b"A: ", b"b" * 98) == "a head larger than 100 bytes"


async def test_what_is_no_answer_is_refused_without_its_end() -> None:
    assert await refusal(READER, b"SSH-2.0-OpenSSH\r\n") == "the answer does not begin with HTTP/1."
    assert await refusal(READER, b"HTTP/1.1 200 OK\n") == "a line ends in LF without CR"


async def test_a_cancelled_wait_for_a_head_loses_nothing(world: World) -> None:
    async def dawdle(peer: RawPeer) -> None:
        await peer.send_slowly(OK, seconds_a_byte=1.0)

    server = await world.server("s1", dawdle)
    client = await world.client(server.address)
    inbox = Inbox(client.stream, 4096)
    head = None
    tries = 0
    while head is None:
        tries += 1
        with trio.move_on_after(7.0):
            head = await READER.read(inbox, ASKED)
    assert isinstance(head, ResponseHead)
    assert (head.framing, tries) == (Length(2), 6), f"{len(OK)} bytes, one a second"


@given(response_heads() | spoiled(response_heads()), CUTS)
def test_any_head_in_any_pieces_reads_the_same(head: bytes, cuts: list[int]) -> None:
    whole, parts = (
        trio.run(partial(READER.read, inbox_of(*pieces), ASKED))
        for pieces in ([head], split(head, cuts))
    )
    if isinstance(whole, Reject):
        assert isinstance(parts, Reject), "refused for the first fault to be seen"
    else:
        assert parts == whole
