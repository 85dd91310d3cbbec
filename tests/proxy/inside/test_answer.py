"""An answer on its way out: framed by us, held against what was declared, complete or cut."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import run_in_virtual_time
from trio_lb.model.address import Address
from trio_lb.model.message import RequestHead
from trio_lb.net.h11_codec import H11Codec
from trio_lb.net.memory import MemoryStream, memory_stream_pair
from trio_lb.net.request_rules import read_request
from trio_lb.proxy.inside.answer import AnswerOut, BadAnswer, Phase

DATE = b"Date: now\r\n"


def asked(method: str = "GET", minor: int = 1) -> RequestHead:
    raw = H11Codec().parse_request(f"{method} / HTTP/1.{minor}\r\nHost: a\r\n\r\n".encode())
    head = read_request(raw)  # type: ignore[arg-type] # It is a good one.
    assert isinstance(head, RequestHead)
    return head


def begun(
    head: RequestHead, status: int = 200, fields: list[tuple[bytes, bytes]] | None = None
) -> tuple[AnswerOut, MemoryStream]:
    ours, theirs = memory_stream_pair(Address("a", 0), Address("b", 0), capacity=1 << 20)
    answer = AnswerOut(theirs, head, DATE)
    answer.begin(status, fields or [])
    return answer, ours


async def said(
    head: RequestHead,
    pieces: list[bytes],
    status: int = 200,
    fields: list[tuple[bytes, bytes]] | None = None,
) -> bytes:
    answer, ours = begun(head, status, fields)
    for piece in pieces[:-1]:
        await answer.write(piece, more=True)
    await answer.write(pieces[-1], more=False)
    assert answer.done.is_set()
    return ours.receive_nowait(1 << 20) or b""


OK = b"HTTP/1.1 200 OK\r\n"


async def test_a_whole_answer_carries_its_length() -> None:
    assert await said(asked(), [b"hello"]) == OK + DATE + b"Content-Length: 5\r\n\r\nhello"


async def test_pieces_are_chunks() -> None:
    wire = await said(asked(), [b"he", b"", b"llo", b""])
    assert wire == (
        OK + DATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    )


async def test_pieces_to_an_old_client_end_with_the_connection() -> None:
    wire = await said(asked(minor=0), [b"he", b"llo"])
    assert wire == OK + DATE + b"Connection: close\r\n\r\nhello"


async def test_an_answer_to_head_speaks_of_a_body_and_has_none() -> None:
    fields = [(b"Content-Length", b"5")]
    wire = await said(asked("HEAD"), [b"hello"], fields=fields)
    assert wire == OK + DATE + b"Content-Length: 5\r\n\r\n"
    assert await said(asked("HEAD"), [b"hel", b"lo"]) == OK + DATE + b"\r\n"


@pytest.mark.parametrize("status", [204, 304])
async def test_some_statuses_have_no_body_whatever_is_said(status: int) -> None:
    wire = await said(asked(), [b"hello"], status)
    assert wire.endswith(b"\r\n" + DATE + b"\r\n")


async def test_a_426_keeps_what_it_asks_for() -> None:
    fields = [(b"Upgrade", b"websocket"), (b"Connection", b"upgrade")]
    assert b"\r\nUpgrade: websocket\r\n" in await said(asked(), [b""], 426, fields)
    assert b"Upgrade" not in await said(asked(), [b""], fields=fields)


async def test_framing_fields_of_an_application_are_dropped_and_its_wish_to_close_heard() -> None:
    fields = [
        (b"transfer-encoding", b"gzip"),
        (b"connection", b"close"),
        (b"x-own", b" 1 "),
        (b"date", b"then"),
    ]
    wire = await said(asked(), [b""], fields=fields)
    assert wire == (
        OK + b"x-own: 1\r\ndate: then\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("status", "fields", "message"),
    [
        (101, [], "101 is not the status of a final answer"),
        (1000, [], "1000 is not"),
        (200, [(b"a b", b"")], "can't stand in a line"),
        (200, [(b"a: b", b"")], "can't stand in a line"),
        (200, [(b"a", b"x\r\nEvil: 1")], "can't stand in a line"),
        (200, [(b"a", b"x\0")], "can't stand in a line"),
        (200, [(b"content-length", b"5"), (b"content-length", b"6")], "not one number"),
        (200, [(b"content-length", b"-1")], "not one number"),
    ],
)
def test_a_head_that_is_none_is_refused_and_another_may_come(
    status: int, fields: list[tuple[bytes, bytes]], message: str
) -> None:
    answer = AnswerOut(memory_stream_pair(Address("a", 0), Address("b", 0))[0], asked(), DATE)
    with pytest.raises(BadAnswer, match=message):
        answer.begin(status, fields)
    assert answer.is_unsent


async def test_a_head_that_was_refused_leaves_nothing_behind() -> None:
    ours, theirs = memory_stream_pair(Address("a", 0), Address("b", 0))
    answer = AnswerOut(theirs, asked(), DATE)
    with pytest.raises(BadAnswer):
        answer.begin(200, [(b"content-length", b"9"), (b"connection", b"close"), (b"a b", b"")])
    answer.begin(200, [])
    await answer.write(b"whole", more=False)
    assert ours.receive_nowait(100) == OK + DATE + b"Content-Length: 5\r\n\r\nwhole"


async def test_the_order_is_head_body_end() -> None:
    ours, theirs = memory_stream_pair(Address("a", 0), Address("b", 0))
    answer = AnswerOut(theirs, asked(), DATE)
    with pytest.raises(BadAnswer, match="the last part of the body came while nothing was said"):
        await answer.write(b"early", more=False)
    answer.begin(200, [])
    with pytest.raises(BadAnswer, match="status and fields came while status and fields are"):
        answer.begin(200, [])
    assert answer.is_unsent
    assert ours.receive_nowait(100) is None, "nothing is sent before the body begins"
    await answer.write(b"x", more=False)
    assert not answer.is_unsent
    with pytest.raises(BadAnswer, match="came while all of it was sent"):
        await answer.write(b"late", more=False)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [([b"12345", b"6"], "longer than its Content-Length of 5"), ([b"12", b""], "3 bytes short")],
)
async def test_a_body_against_its_declared_length_never_becomes_complete(
    pieces: list[bytes], message: str
) -> None:
    answer, _ = begun(asked(), fields=[(b"content-length", b"5")])
    await answer.write(pieces[0], more=True)
    with pytest.raises(BadAnswer, match=message):
        await answer.write(pieces[1], more=False)
    assert answer.phase is Phase.FLOWING
    assert not answer.done.is_set()


async def test_a_flood_of_nothing_lets_others_have_their_turn() -> None:
    answer, _ = begun(asked())
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        for _ in range(100):
            await answer.write(b"", more=True)
        nursery.cancel_scope.cancel()
    assert turns >= 90


@given(pieces=st.lists(st.binary(max_size=50), min_size=1, max_size=8))
def test_law_chunks_carry_exactly_what_was_written(pieces: list[bytes]) -> None:
    async def main() -> bytes:
        return await said(asked(), pieces)

    body = run_in_virtual_time(main).partition(b"\r\n\r\n")[2]
    if len(pieces) == 1:
        assert body == pieces[0]
        return
    whole = b""
    while not body.startswith(b"0\r\n"):
        size, _, rest = body.partition(b"\r\n")
        whole, body = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    assert (whole, body) == (b"".join(pieces), b"0\r\n\r\n")
