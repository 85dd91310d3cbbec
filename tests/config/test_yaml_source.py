"""YAML without the guesses of YAML 1.1, and with a line for every value."""

import math
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.nodes import Findings
from trio_lb.config.yaml_source import read_yaml


def read(text: str) -> tuple[object, list[str]]:
    findings = Findings()
    value = read_yaml(dedent(text), "f", findings)
    return value, [str(each) for each in findings.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("22:30", "22:30"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-3", -3),
        ("1_000", "1_000"),
        ("2024-01-02", "2024-01-02"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("'80'", "80"),
        ('"true"', "true"),
        ("!!str 80", "80"),
        ("-.inf", -math.inf),
        ("10.0.0.1", "10.0.0.1"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_a_scalar_has_the_type_of_the_core_schema(text: str, value: object) -> None:
    got, told = read(f"a: {text}\n")
    assert (got, told) == ({"a": value}, [])
    assert isinstance(got, dict)
    assert type(got["a"]) is type(value)


def test_every_value_knows_its_line() -> None:
    findings = Findings()
    text = "a:\n  b: 1\n  c:\n    - x\n    -\n      d: 2\n"
    assert read_yaml(text, "f", findings) == {"a": {"b": 1, "c": ["x", {"d": 2}]}}
    assert {path: origin.line for path, origin in findings.origins.items()} == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 6,
        ("a", "c", 1, "d"): 6,
    }


def test_a_key_that_comes_twice_is_refused_where_it_comes_again() -> None:
    _, told = read("a: 1\nb: {x: 1, y: 2,\n  x: 3}\na: 2\n")
    assert told == [
        "f:3 b.x: key given twice, first in line 2",
        "f:4 a: key given twice, first in line 1",
    ]


def test_an_anchor_may_be_merged_and_its_lines_are_those_of_the_anchor() -> None:
    findings = Findings()
    text = "base: &b {x: 1, y: 2}\none:\n  <<: *b\n  y: 3\n"
    value = read_yaml(text, "f", findings)
    assert value == {"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 3}}
    assert [findings.origin(("one", key)).line for key in ("x", "y")] == [1, 4]
    assert not findings.problems


def test_keys_are_text_whatever_they_look_like() -> None:
    assert read("{80: a, true: b}") == ({"80": "a", "true": "b"}, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\nb: 3\n", "f:2 is not YAML: while parsing a flow sequence"),
        ("a: {b: ${X}, c: 1}\n", "inside of { } or [ ] put '${...}' in quotes"),
        ("a: b: c\n", "f:1 is not YAML: mapping values are not allowed"),
        ("a: *nowhere\n", "f:1 is not YAML: found undefined alias"),
        ("a: 1\n---\nb: 2\n", "f:2 is not YAML: expected a single document"),
        ("a: \x01\n", "is not YAML:"),
        (
            "a: !python/object:os.system x\n",
            "f:1 a: the tag !python/object:os.system is not allowed",
        ),
        ("? [a]\n: 1\n", "f:1 a key that is a list or a mapping"),
        ("a: " + "9" * 5000, "f:1 a: is a number with too many digits"),
        ("a: &x [*x]", "f is not YAML: more than 200000 values, or more than 64 levels"),
        ("[" * 70 + "]" * 70, "f:1 is not YAML: more than 64 levels"),
        ("\n" + "[" * 200_000, "f:2 is not YAML: more than 64 levels"),
    ],
)
def test_what_can_not_be_read_is_told_by_line(text: str, message: str) -> None:
    _, told = read(text)
    assert len(told) == 1
    assert message in told[0]


def test_aliases_can_not_make_a_small_file_large() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    value, told = read("\n".join(lines))
    assert value is None
    assert told == ["f is not YAML: more than 200000 values, or more than 64 levels"]


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_text_is_read_or_refused(text: str) -> None:
    findings = Findings()
    value = read_yaml(text, "f", findings)
    assert value is None or not findings.has_errors or findings.problems


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers() | st.booleans() | st.none())))
def test_json_is_yaml(value: object) -> None:
    import json

    assert read(json.dumps(value, indent=1)) == (value, [])
