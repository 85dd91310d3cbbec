"""Answers: which bytes go out, in which pieces, and whether they are whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.actors.conduct import Answer, Then
from trio_lb.sim.actors.http1 import MessageReader

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Served-By: s1\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Served-By: s1\r\n\r\n"


def test_an_answer_is_its_head_and_its_body_in_one_piece() -> None:
    assert Answer("s1", 200, b"hello").to_pieces() == [HEAD + b"hello"]


def test_an_answer_to_head_has_no_body_but_its_length() -> None:
    assert Answer("s1", 200, b"hello", is_head_only=True).to_pieces() == [HEAD]


def test_chunks_come_in_as_many_pieces_as_are_wanted_and_the_last_says_the_end() -> None:
    answer = Answer("s1", 200, b"hello", is_chunked=True, pieces=2)
    assert answer.to_pieces() == [CHUNKED + b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n"]


def test_an_answer_that_is_cut_lacks_only_the_last_chunk() -> None:
    answer = Answer("s1", 200, b"hello", lacks_last_chunk=True)
    assert answer.to_pieces() == [CHUNKED + b"5\r\nhello\r\n"]


def test_what_is_promised_may_differ_from_what_comes() -> None:
    (piece,) = Answer("s1", 200, b"hello", promised=9).to_pieces()
    assert b"Content-Length: 9\r\n" in piece
    assert piece.endswith(b"\r\n\r\nhello")


@given(st.binary(max_size=40), st.integers(1, 60))
def test_a_body_in_pieces_is_the_body(body: bytes, pieces: int) -> None:
    answer = Answer("s1", 200, body, is_chunked=True, pieces=pieces)
    reader = MessageReader()
    written = answer.to_pieces()
    for piece in written:
        assert not reader.is_whole
        reader.feed(piece)
        if (head := reader.read_head()) is not None and piece is written[0]:
            reader.expect(*head.framing())
    assert (reader.is_whole, reader.body) == (True, body)
    assert len(written) == max(1, min(pieces, len(body)))


@pytest.mark.parametrize(
    ("answer", "is_whole"),
    [
        (Answer("s1", 200, b""), True),
        (Answer("s1", 200, b"", then=Then.CLOSE), True),
        (Answer("s1", 200, b"", then=Then.RESET), False),
        (Answer("s1", 200, b"", then=Then.HANG), False),
        (Answer("s1", 200, b"", then=Then.ENDLESS), False),
        (Answer("s1", 200, b"", promised=1), False),
        (Answer("s1", 200, b"", promised=1, is_chunked=True), True),
        (Answer("s1", 200, b"", lacks_last_chunk=True), False),
        (Answer("s1", 200, b"", is_wrong=True), False),
    ],
)
def test_an_answer_is_whole_if_it_is_complete_and_says_so(answer: Answer, is_whole: bool) -> None:
    assert answer.is_whole is is_whole


def test_an_answer_is_cut_if_the_client_can_see_that_something_is_missing() -> None:
    assert Answer("s1", 200, b"abc", promised=4).is_cut
    assert Answer("s1", 200, b"abc", lacks_last_chunk=True).is_cut
    assert not Answer("s1", 200, b"abc", promised=2).is_cut
    assert not Answer("s1", 200, b"abc", promised=4, is_wrong=True).is_cut, "it sees other bytes"
    assert not Answer("s1", 200, b"abc", promised=4, is_head_only=True).is_cut
    assert not Answer("s1", 200, b"abc", promised=4, is_chunked=True).is_cut, "no length is said"
