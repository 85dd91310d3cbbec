"""Single values: strict about types, generous about spellings."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.kinds import (
    Anything,
    Choice,
    Code,
    File,
    Flag,
    Kind,
    Maybe,
    NotYet,
    Refused,
    Text,
    show,
    suggestion,
)
from trio_lb.config.knobs import BIND_PORT, FRACTION, PORT, RATE, SECONDS, count, size_from
from trio_lb.config.values import Loose

SIZE = Choice(
    "size", lambda: ("any", "off", "1.2"), plain={"true": "any", "false": "off", "1.2": "1.2"}
)
COLOUR = Choice(
    "colour",
    lambda: ("dark_red", "green", "off"),
    aliases={"crimson": "dark_red"},
    later=frozenset({"blue"}),
)


def refusal(kind: Kind, raw: object) -> str:
    with pytest.raises(Refused) as caught:
        kind.read(raw)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (SECONDS, "10s", 10.0),
        (SECONDS, 3, 3.0),
        (SECONDS, 0.5, 0.5),
        (SECONDS, Loose("5"), 5.0),
        (PORT, 80, 80),
        (PORT, Loose("80"), 80),
        (BIND_PORT, 0, 0),
        (FRACTION, 1, 1.0),
        (RATE, Loose("2.5"), 2.5),
        (size_from(1024), "32KiB", 32768),
        (size_from(0), 12, 12),
        (Flag(), True, True),
        (Flag(), Loose("false"), False),
        (Text(), "abc", "abc"),
        (Text(), Loose("1"), "1"),
        (Maybe(PORT), None, None),
        (Maybe(PORT), Loose(""), None),
        (Maybe(PORT), 1, 1),
        (COLOUR, "dark-red", "dark_red"),
        (COLOUR, "darkRed", "dark_red"),
        (COLOUR, "DARK_RED", "dark_red"),
        (COLOUR, "Crimson", "dark_red"),
        (COLOUR, False, "off"),
        (SIZE, True, "any"),
        (SIZE, Loose("true"), "any"),
        (SIZE, False, "off"),
        (SIZE, 1.2, "1.2"),
        (SIZE, "1.2", "1.2"),
        (File(), "a/b.pem", "a/b.pem"),
        (Anything(), {"a": [Loose("b")]}, {"a": ["b"]}),
    ],
)
def test_a_value_is_read(kind: Kind, raw: object, value: object) -> None:
    read = kind.read(raw)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "raw", "message"),
    [
        (SECONDS, -5, "-5 is not > 0 (seconds)"),
        (SECONDS, 0, "0 is not > 0 (seconds)"),
        (SECONDS, "-1s", "'-1s' is not > 0 (seconds)"),
        (SECONDS, "9999d", "'9999d' is not <= 31536000 (seconds)"),
        (SECONDS, math.nan, "nan is not > 0 (seconds)"),
        (SECONDS, math.inf, "inf is not <= 31536000 (seconds)"),
        (SECONDS, True, "true is not a duration (10s, 250ms, 1m30s, 1h, or seconds)"),
        (SECONDS, 10**400, "a huge number is not <= 31536000 (seconds)"),
        (PORT, 70000, "70000 is not in 1..65535"),
        (PORT, "80", "'80' is not a port; write it without quotes"),
        (PORT, 80.5, "80.5 is not a port"),
        (PORT, True, "true is not a port"),
        (PORT, None, "null is not a port"),
        (BIND_PORT, Loose("x"), "'x' is not a port"),
        (BIND_PORT, -1, "-1 is not in 1..65535 (0 = any free)"),
        (FRACTION, 1.5, "1.5 is not in [0, 1]"),
        (count(), 0, "0 is not >= 1"),
        (count(1, 65535), 0, "0 is not in 1..65535"),
        (count(), 1.0, "1.0 is not a whole number"),
        (size_from(1024), "1B", "'1B' is not >= 1024 (bytes)"),
        (Flag(), "yes", "'yes' is not true or false"),
        (Flag(), 1, "1 is not true or false"),
        (Text(), 5, "5 is not text (put it in quotes)"),
        (Text(), ["a"], "a list is not text"),
        (Text("a word", "[a-z]+"), "A b", "'A b' is not a word"),
        (Text(secret=True), "a\nb", "the value is not text"),
        (COLOUR, "dark_rad", "'dark_rad' is no colour; did you mean 'dark_red'?"),
        (COLOUR, "zzz", "'zzz' is no colour; allowed: dark_red, green, off"),
        (COLOUR, 5, "5 is no colour; allowed: dark_red, green, off"),
        (COLOUR, True, "true is no colour; allowed: dark_red, green, off"),
        (SIZE, 1, "1 is no size; allowed: any, off, 1.2"),
        (SIZE, 1.0, "1.0 is no size; allowed: any, off, 1.2"),
        (File(), "", "'' is not a path"),
        (Code(), "app.check", "'app.check' is not a callable; only a program can give it"),
        (Anything(), [], "a list is not a mapping"),
    ],
)
def test_a_refusal_says_seen_against_allowed(kind: Kind, raw: object, message: str) -> None:
    assert refusal(kind, raw) == message


@pytest.mark.parametrize(
    ("kind", "raw", "message"),
    [
        (COLOUR, "blue", "colour 'blue' is not supported in this version; there is dark_red"),
    ],
)
def test_what_is_only_planned_is_told_apart(kind: Kind, raw: object, message: str) -> None:
    with pytest.raises(NotYet, match=message):
        kind.read(raw)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (SECONDS, "10s"),
        (PORT, Loose("80")),
        (COLOUR, "dark-red"),
        (Flag(), "true"),
    ],
)
def test_a_program_has_to_give_the_value_itself_not_a_spelling(kind: Kind, value: object) -> None:
    with pytest.raises(Refused):
        kind.check(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
EVERY_KIND = [SECONDS, PORT, FRACTION, size_from(0), Flag(), Text(), COLOUR, SIZE, Code(), File()]


@given(st.sampled_from(EVERY_KIND), JSON | JSON.map(str).map(Loose))
def test_what_a_kind_reads_passes_its_own_check_and_all_else_is_refused(
    kind: Kind, raw: object
) -> None:
    try:
        value = kind.read(raw)
    except Refused:
        return
    kind.check(value)


@given(JSON)
def test_anything_is_shown_on_one_short_line(value: object) -> None:
    shown = show(value)
    assert len(shown) < 700
    assert "\n" not in shown


def test_code_is_kept_as_it_is() -> None:
    assert Code().read(max) is max


def test_a_suggestion_needs_likeness() -> None:
    assert suggestion("wieght", ("weight", "zone")) == "; did you mean 'weight'?"
    assert suggestion("colour", ("weight", "zone")) == ""


def test_a_reference_names_the_rule_in_a_few_words() -> None:
    rules = [kind.allowed for kind in (SECONDS, PORT, Maybe(FRACTION), COLOUR, Flag())]
    assert rules == [
        "a duration, > 0",
        "a port, in 1..65535",
        "a fraction, in [0, 1]; or null",
        "dark_red, green, off",
        "true or false",
    ]
