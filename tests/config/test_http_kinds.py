"""Nothing that a probe sends may break the framing of its request."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.http_kinds import HEADER_NAME, HEADER_VALUE, METHOD, TARGET, Statuses
from trio_lb.config.kinds import Refused


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (200, (200,)),
        ([204, 200, 200], (200, 204)),
        ("200-203", (200, 201, 202, 203)),
        (["200-201", 404], (200, 201, 404)),
    ],
)
def test_statuses_are_one_a_range_or_a_list(raw: object, statuses: tuple[int, ...]) -> None:
    assert Statuses().read(raw) == statuses


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (99, "99 is not in 100..599"),
        ([], "an empty list: no status would ever be good"),
        (
            [600, "300-200"],
            "600 is not in 100..599; '300-200' is a range that ends before it begins",
        ),
        (True, "true is not a status (200), a range ('200-299') or a list of both"),
        ("200", "'200' is not a status (200), a range ('200-299') or a list of both"),
    ],
)
def test_bad_statuses_are_all_told(raw: object, message: str) -> None:
    with pytest.raises(Refused) as caught:
        Statuses().read(raw)
    assert str(caught.value) == message


@pytest.mark.parametrize("path", ["/", "/health?x=1", "/a%20b", '/"'])
def test_a_probe_s_path_is_an_origin_form(path: str) -> None:
    assert TARGET.read(path) == path


@pytest.mark.parametrize(
    "path", ["", "health", "http://h/", "/a b", "/a\r\nX: 1", "/a#b", "/é", "*"]
)
def test_a_path_that_would_break_the_request_line_is_refused(path: str) -> None:
    with pytest.raises(Refused):
        TARGET.read(path)


def test_a_header_s_value_is_never_shown() -> None:
    with pytest.raises(Refused) as caught:
        HEADER_VALUE.read("Bearer s3cret\r\nX: 1")
    assert "s3cret" not in str(caught.value)


@given(st.text())
def test_a_request_made_of_accepted_parts_has_the_lines_it_should_have(text: str) -> None:
    for kind in (METHOD, TARGET, HEADER_NAME, HEADER_VALUE):
        try:
            kept = str(kind.read(text))
        except Refused:
            continue
        kept.encode("latin-1")
        assert not set(kept) & {"\r", "\n", "\0"}
        assert kind is HEADER_VALUE or " " not in kept
