"""What heads say about themselves."""

import pytest

from trio_lb.model.message import Framing, Length, RequestHead, ResponseHead, Unsized


def request(*, minor: int = 1, connection: frozenset[bytes] = frozenset()) -> RequestHead:
    fields = [(b"x", b"X", b"1"), (b"y", b"Y", b"2"), (b"x", b"x", b"3")]
    return RequestHead(b"GET", b"/", minor, fields, b"a", Unsized.NO_BODY, connection)


def response(
    framing: Framing, *, minor: int = 1, connection: frozenset[bytes] = frozenset()
) -> ResponseHead:
    return ResponseHead(200, b"OK", minor, [], framing, connection)


def test_a_field_is_found_by_its_lower_case_name_the_first_of_several() -> None:
    assert [request().get(name) for name in (b"x", b"y", b"z")] == [b"1", b"2", None]


@pytest.mark.parametrize(
    ("minor", "options", "keeps"),
    [(1, set(), True), (1, {b"close"}, False), (0, set(), False), (0, {b"keep-alive"}, False)],
)
def test_a_client_of_1_1_keeps_its_connection_unless_it_says_otherwise(
    minor: int, options: set[bytes], keeps: bool
) -> None:
    assert request(minor=minor, connection=frozenset(options)).keep_alive is keeps


@pytest.mark.parametrize(
    ("framing", "minor", "options", "reusable"),
    [
        (Length(5), 1, set(), True),
        (Unsized.CHUNKED, 1, set(), True),
        (Unsized.NO_BODY, 1, {b"upgrade"}, True),
        (Unsized.NO_BODY, 1, {b"close"}, False),
        (Unsized.UNTIL_CLOSE, 1, set(), False),
        (Length(5), 0, {b"keep-alive"}, False),
    ],
)
def test_a_server_s_connection_is_reusable_only_beyond_doubt(
    framing: Framing, minor: int, options: set[bytes], reusable: bool
) -> None:
    assert response(framing, minor=minor, connection=frozenset(options)).reusable is reusable
