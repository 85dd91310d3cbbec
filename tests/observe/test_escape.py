"""Escaping: nothing that a client sends can end a line or speak to a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.observe.escape import escape_line, escape_quoted, escape_word


def test_a_line_keeps_visible_ascii_and_names_the_rest() -> None:
    assert escape_line('say "hi"\r\n\x1b[31m\x7f\xe9\u20ac') == (
        'say "hi"\\x0d\\x0a\\x1b[31m\\x7f\\xe9\\u20ac'
    )


def test_quotes_and_backslashes_cannot_leave_a_quoted_text() -> None:
    assert escape_quoted('a "b" \\x0a') == "a \\x22b\\x22 \\x5cx0a"


def test_a_word_has_no_spaces_and_is_never_empty() -> None:
    assert (escape_word("a b"), escape_word("")) == ("a\\x20b", "-")


@given(st.text())
def test_whatever_comes_in_visible_ascii_comes_out(text: str) -> None:
    for escape in (escape_line, escape_quoted, escape_word):
        assert all(" " <= char <= "~" for char in escape(text))
    assert '"' not in escape_quoted(text)
    assert " " not in escape_word(text)


@given(st.text(), st.text())
def test_two_texts_never_look_alike_once_quoted(one: str, other: str) -> None:
    assert (escape_quoted(one) == escape_quoted(other)) is (one == other)
