"""Heads as values: the three questions that everybody asks them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.message import Field, Framing, Length, RequestHead, ResponseHead, Unsized


def request(*fields: Field, minor: int = 1, connection: frozenset[bytes]) -> RequestHead:
    return RequestHead(b"GET", b"/", minor, [*fields], b"a", Unsized.NO_BODY, connection)


def response(framing: Framing, *, minor: int = 1, connection: frozenset[bytes]) -> ResponseHead:
    return ResponseHead(200, b"OK", minor, [], framing, connection)


@pytest.mark.parametrize(
    ("minor", "options", "keeps"),
    [
        (1, set(), True),
        (1, {b"keep-alive"}, True),
        (1, {b"upgrade", b"x-close"}, True),
        (1, {b"close"}, False),
        (1, {b"close", b"keep-alive"}, False),
        (0, set(), False),
        (0, {b"keep-alive"}, False),
        (9, set(), True),
    ],
)
def test_a_client_may_send_another_request_unless_it_closes_or_is_old(
    minor: int, options: set[bytes], keeps: bool
) -> None:
    assert request(minor=minor, connection=frozenset(options)).keep_alive is keeps


@pytest.mark.parametrize(
    ("framing", "minor", "options", "reusable"),
    [
        (Length(5), 1, set(), True),
        (Unsized.NO_BODY, 1, set(), True),
        (Unsized.CHUNKED, 1, {b"keep-alive"}, True),
        (Unsized.UNTIL_CLOSE, 1, set(), False),
        (Length(5), 1, {b"close"}, False),
        (Length(5), 0, {b"keep-alive"}, False),
    ],
)
def test_a_server_s_connection_is_reusable_when_the_end_of_the_answer_is_not_its_end(
    framing: Framing, minor: int, options: set[bytes], reusable: bool
) -> None:
    head = response(framing, minor=minor, connection=frozenset(options))
    assert head.reusable is reusable


def test_a_field_is_looked_up_by_its_lower_case_name() -> None:
    head = request((b"x-y", b"X-Y", b"1"), connection=frozenset())
    assert (head.get(b"x-y"), head.get(b"X-Y"), head.get(b"x")) == (b"1", None, None)


NAMES = st.sampled_from([b"a", b"b", b"c"])


@given(st.lists(st.tuples(NAMES, st.binary(max_size=3))), NAMES)
def test_a_field_that_stands_twice_answers_with_its_first_value(
    pairs: list[tuple[bytes, bytes]], name: bytes
) -> None:
    head = request(*((n, n.upper(), value) for n, value in pairs), connection=frozenset())
    assert head.get(name) == next((value for n, value in pairs if n == name), None)


def test_no_body_and_a_length_are_never_confused() -> None:
    framings: list[Framing] = [Length(1), Length(2), *Unsized]
    assert len(set(framings)) == 5
    assert Length(1) == Length(1)
