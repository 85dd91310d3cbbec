"""One fault as data: exact there and back, refused where the table of kinds says so."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults.support import TARGETS, faults
from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.record import Fault, in_order
from trio_lb.sim.faults.target import Sort, Target

SERVER = TARGETS[Sort.SERVER]


def refusal(data: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Fault.from_data(data)
    return [str(each) for each in caught.value.problems]


@given(faults())
def test_json_brings_a_fault_back_to_the_last_bit(fault: Fault) -> None:
    assert Fault.from_data(json.loads(json.dumps(fault.to_data()))) == fault


def test_what_was_not_said_is_filled_in() -> None:
    assert Fault(1, "slow", SERVER).args == {"x": 10.0}
    assert Fault(1, "slow", SERVER).to_data() == {
        "at": 1.0,
        "kind": "slow",
        "target": "server:s1",
        "args": {"x": 10.0},
    }


def test_spellings_are_read_as_in_a_configuration() -> None:
    data = {"at": "10m", "kind": "crash", "target": "host:s2", "until": "12m"}
    assert Fault.from_data(data) == Fault(600.0, "crash", TARGETS[Sort.HOST], 720.0, {"fin": False})


@given(st.lists(faults(), max_size=8))
def test_order_is_by_instant_and_then_by_place(several: list[Fault]) -> None:
    ordered = in_order(several)
    keys = [(fault.at, [each is fault for each in several].index(True)) for fault in ordered]
    assert keys == sorted(keys)
    assert len(ordered) == len(several)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "slwo"}, "kind: 'slwo' is no kind of fault; did you mean 'slow'?"),
        ({"target": "lb"}, "target: slow hits a server, not a lb"),
        ({"until": 5}, "until: the end, 5 s, is not after the begin, 5 s"),
        ({"at": -1}, "at: -1 is not >= 0 (seconds)"),
        ({"untill": 5}, "untill: unknown key; did you mean 'until'?"),
        ({"args": {"x": 0.5}}, "args.x: 0.5 is not in 1..10000"),
        ({"args": {"y": 2}}, "args.y: unknown key; known here: x"),
        (
            {"target": {"random": "servers"}},
            "target: a record says whom it hit; only a schedule leaves that open",
        ),
        (
            {"target": "zone:b"},
            "target: a record says whom it hit; only a schedule leaves that open",
        ),
        (
            {"kind": "reset", "until": 7},
            "until: reset happens at one instant and has no end",
        ),
        ({"kind": "pause"}, "pause needs an end: say until, or for how long"),
    ],
)
def test_what_the_table_does_not_know_is_refused(change: dict[str, object], says: str) -> None:
    data = {"at": 5.0, "kind": "slow", "target": "server:s1"} | change
    assert refusal(data) == [says]


def test_everything_that_is_missing_is_told() -> None:
    assert refusal({"until": 7}) == [
        "'at' is missing",
        "'kind' is missing",
        "'target' is missing",
    ]
    assert refusal(7) == ["7 is not a mapping"]


def test_a_fault_made_by_hand_obeys_the_same_rules() -> None:
    with pytest.raises(ConfigError, match=r"args\.x: 0 is not in 1\.\.10000"):
        Fault(1.0, "slow", SERVER, None, {"x": 0})
    with pytest.raises(ConfigError, match="only a schedule leaves that open"):
        Fault(1.0, "slow", Target(Sort.ZONE, ("b",)))
