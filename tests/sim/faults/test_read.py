"""A schedule in a file: every way to say when, and every mistake with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.read import read_data, read_schedule, read_text
from trio_lb.sim.faults.schedule import At, During, Entry, Every, Schedule
from trio_lb.sim.faults.target import Aim, Sort

S1 = Aim(Sort.SERVER, ("s1",))
SLOW = {"kind": "slow", "target": "server:s1"}


def refusals(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_text(text, name="f.yaml")
    return [str(each) for each in caught.value.problems]


@pytest.mark.parametrize(
    ("said", "when", "seconds"),
    [
        ({"at": "10m"}, At(600.0), None),
        ({"at": 600, "until": "11m"}, At(600.0, 660.0), None),
        ({"at": "10m", "for": "30s"}, At(600.0), 30.0),
        ({"every": "10m", "for": 1}, Every(600.0), 1.0),
        ({"every": {"poisson": "15m"}, "for": 1}, Every(900.0, poisson=True), 1.0),
        ({"every": 9, "for": 1, "start": "1m", "stop": 90}, Every(9.0, False, 60.0, 90.0), 1.0),
        ({"during": ["5m", "7m"]}, During(300.0, 420.0), None),
    ],
)
def test_there_are_these_ways_to_say_when(
    said: dict[str, object], when: At | Every | During, seconds: float | None
) -> None:
    made = read_data([said | SLOW])
    assert made == Schedule((Entry(when, "slow", S1, seconds, {"x": 10.0}),))
    assert read_data(made.to_data()) == made


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{at: 1, kind: slwo, target: 'server:s1'}", ".kind: 'slwo' is no kind of fault; did"),
        ("{at: 1, knd: slow, target: lb, kind: slow}", ".knd: unknown key; did you mean 'kind'?"),
        ("{at: 1, kind: slow, target: lb}", ".target: slow hits a server, not a lb"),
        ("{at: 1, kind: slow, target: 'sever:s1'}", ".target: 'sever:s1' is not a target; did"),
        ("{at: 1s, kind: slow}", ": 'target' is missing"),
        ("{at: soon, kind: reset, target: 'server:s1'}", ".at: 'soon' is not a duration"),
        ("{at: 2, until: 1, kind: slow, target: 'server:s1'}", ".until: the end, 1 s, is not"),
        ("{during: [7m, 5m], kind: slow, target: 'server:s1'}", ".during: the end, 300 s, is"),
        ("{during: [7m], kind: slow, target: 'server:s1'}", ".during: two instants are wanted"),
        ("{during: [1, 2], for: 1, kind: slow, target: 'server:s1'}", ".for: goes with at or"),
        ("{at: 1, until: 2, for: 1, kind: slow, target: 'server:s1'}", ".for: says how long"),
        ("{at: 1, every: 2, kind: reset, target: 'server:s1'}", ": one of at, every, during"),
        ("{kind: reset, target: 'server:s1'}", ": one of at, every, during says when; here is no"),
        ("{every: 2m, kind: slow, target: 'server:s1'}", ": slow comes again and again: say for"),
        ("{every: {gauss: 1}, kind: reset, target: 'server:s1'}", ".every.gauss: unknown key"),
        ("{every: 9, start: 5, stop: 4, kind: reset, target: 'server:s1'}", ".stop: 4 is not aft"),
        ("{at: 1, for: 1, kind: reset, target: 'server:s1'}", ".for: reset happens at one"),
        ("{at: 1, kind: slow, target: 'server:s1', args: {x: 0}}", ".args.x: 0 is not in 1..1"),
        ("7", ": 7 is not a mapping"),
        (
            "{at: 1, kind: slow, target: 'server:s1', args: {x: many}}",
            ".args.x: 'many' is not a factor (1..10000)",
        ),
    ],
)
def test_a_mistake_is_told_with_line_and_path(line: str, says: str) -> None:
    told = refusals(f"# faults\n- {{at: 0, kind: reset, target: 'server:s1'}}\n- {line}\n")
    assert any(each.startswith(f"f.yaml:3 [1]{says}") for each in told), told


def test_time_that_goes_back_is_refused() -> None:
    text = """
- {at: 2m, kind: slow, target: "server:s1"}
- {every: 1m, kind: reset, target: "server:s1"}
- {at: 1m, kind: slow, target: "server:s1"}
"""
    assert refusals(text) == ["f.yaml:4 [2].at: 60 s goes back: an entry above is at 120 s"]


def test_entries_may_stand_under_faults() -> None:
    text = "faults:\n- {at: 1, kind: slow, target: 'server:s1'}\n"
    assert read_text(text, name="f.yaml") == read_data([{"at": 1} | SLOW])
    assert refusals("fault: []\n") == [
        "f.yaml:1 fault: unknown key; did you mean 'faults'?",
        "f.yaml:1 'faults' is missing",
    ]


SHAPES = "a file holds a list, - {at: ..., kind: ..., target: ...}, or {faults: [...]}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("at: 1\nkind: crash\ntarget: 'server:s1'\n", "1 one fault, and not a list of faults"),
        ("# one\nhello\n", "2 'hello' is not a list of faults"),
        ("faults: {at: 1}\n", "1 faults: a mapping is not a list of faults"),
    ],
)
def test_another_shape_is_told_once_with_the_two_that_there_are(text: str, says: str) -> None:
    assert refusals(text) == [f"f.yaml:{says}; {SHAPES}"]


def test_an_empty_file_is_a_quiet_day() -> None:
    assert read_text("", name="f.yaml") == Schedule()


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps([{"at": 1} | SLOW]))
    assert read_schedule(path) == read_data([{"at": 1} | SLOW])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read: "):
        read_schedule(tmp_path / "none.yaml")


words = st.sampled_from(
    [
        "at",
        "every",
        "during",
        "until",
        "for",
        "start",
        "stop",
        "kind",
        "target",
        "args",
        "faults",
        "link",
        "random",
        "count",
        "poisson",
        "x",
        "slow",
        "partition",
        "reset",
        "lb",
        "server:s1",
        "zone:b",
        "servers",
        "10m",
        "-1s",
    ]
)
leaves = st.one_of(words, st.none(), st.booleans(), st.integers(), st.floats())
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=6),
    max_leaves=20,
)
entry = st.fixed_dictionaries(
    {"kind": words, "target": anything},
    optional=dict.fromkeys(("at", "every", "during", "until", "for", "stop", "args"), anything),
)


@given(anything | st.lists(entry, max_size=3))
def test_whatever_it_is_it_is_read_or_refused(data: object) -> None:
    try:
        made = read_data(data)
    except ConfigError:
        return
    assert read_data(made.to_data()) == made
