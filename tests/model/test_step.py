"""Members that are found by identity."""

import pickle

import pytest

from trio_lb.model.step import Step


class Light(Step):
    """A machine's states."""

    RED = "stop"
    GREEN = "go"


def test_a_table_finds_its_members_and_no_others() -> None:
    table = {Light.RED: Light.GREEN, Light.GREEN: Light.RED}
    assert table[Light("stop")] is Light.GREEN
    assert len(set(Light)) == len(table)
    with pytest.raises(KeyError):
        table["stop"]  # type: ignore[index]  # That a value is no member is the point.


def test_a_member_that_travelled_is_the_same_one() -> None:
    assert pickle.loads(pickle.dumps(Light.RED)) is Light.RED
    assert hash(pickle.loads(pickle.dumps(Light.RED))) == hash(Light.RED)


def test_its_hash_costs_no_call_in_python() -> None:
    assert vars(Step)["__hash__"] is object.__hash__
