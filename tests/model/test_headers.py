"""Header fields as programs handle them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.headers import Headers

NAMES = st.sampled_from(["A", "a", "B-c", "b-C", "X"])
PAIRS = st.lists(st.tuples(NAMES, st.sampled_from(["", "1", "two", "3,3"])), max_size=8)


def test_names_are_found_in_any_case_and_keep_their_spelling() -> None:
    headers = Headers({"X-Thing": "1"})
    assert headers["x-thing"] == headers.get("X-THING") == "1"
    assert "X-tHING" in headers
    assert list(headers) == ["X-Thing"]
    assert "X-Other" not in headers


def test_lines_of_one_name_are_joined_and_stay_apart_for_who_asks() -> None:
    headers = Headers([("Set-Cookie", "a=1"), ("Vary", "x"), ("set-cookie", "b=2")])
    assert headers["Set-Cookie"] == "a=1, b=2"
    assert headers.get_all("SET-COOKIE") == ["a=1", "b=2"]
    assert headers.pairs() == [("Set-Cookie", "a=1"), ("Vary", "x"), ("set-cookie", "b=2")]
    assert len(headers) == 2


def test_setting_a_name_replaces_its_lines_in_the_place_of_the_first() -> None:
    headers = Headers([("A", "1"), ("B", "2"), ("a", "3")])
    headers["a"] = "4"
    assert headers.pairs() == [("a", "4"), ("B", "2")]


def test_deleting_a_name_takes_all_of_its_lines() -> None:
    headers = Headers([("A", "1"), ("B", "2"), ("a", "3")])
    del headers["A"]
    assert headers.pairs() == [("B", "2")]
    with pytest.raises(KeyError):
        del headers["A"]


def test_a_copy_is_independent_and_keeps_lines_apart() -> None:
    first = Headers([("Set-Cookie", "a"), ("Set-Cookie", "b")])
    second = Headers(first)
    second.add("X", "1")
    assert first.get_all("Set-Cookie") == second.get_all("Set-Cookie") == ["a", "b"]
    assert "X" not in first


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "ä"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a header"):
        Headers({name: "1"})


@pytest.mark.parametrize("value", ["a\r\nEvil: 1", "a\nb", "\0", "\x7f", "日"])
def test_a_value_that_would_break_its_line_is_refused(value: str) -> None:
    headers = Headers()
    with pytest.raises(ValueError, match="header X-A"):
        headers["X-A"] = value
    assert headers.pairs() == []


def test_outer_space_is_no_part_of_a_value() -> None:
    assert Headers({"A": "  1\t"})["A"] == "1"


def test_equal_headers_hold_the_same_lines() -> None:
    assert Headers({"A": "1"}) == Headers([("a", "1")])
    assert Headers({"A": "1"}) != Headers({"A": "2"})
    assert Headers({"A": "1"}) != {"A": "1"}
    assert repr(Headers({"A": "1"})) == "Headers([('A', '1')])"


@given(PAIRS)
def test_as_a_mapping_it_holds_each_name_once(pairs: list[tuple[str, str]]) -> None:
    headers = Headers(pairs)
    assert headers.pairs() == pairs
    assert len(headers) == len(list(headers)) == len({name.lower() for name, _ in pairs})
    for name in headers:
        assert headers[name] == ", ".join(headers.get_all(name))


@given(PAIRS, NAMES)
def test_a_name_that_was_set_has_one_line_and_moves_no_other(
    pairs: list[tuple[str, str]], name: str
) -> None:
    headers = Headers(pairs)
    headers[name] = "new"
    assert headers.get_all(name) == ["new"]
    others = [pair for pair in pairs if pair[0].lower() != name.lower()]
    assert [pair for pair in headers.pairs() if pair[0].lower() != name.lower()] == others
