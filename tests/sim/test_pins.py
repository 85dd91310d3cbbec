"""Pins: what each of them holds, and that all of them are taken out again."""

import pytest
import trio

from trio_lb.sim import pins
from trio_lb.sim.pins import OrderedSet, PinError, deterministic
from trio_lb.sim.run import run_pinned

_run = trio._core._run


async def order_of_turns() -> list[int]:
    """Five tasks, three turns each."""
    told: list[int] = []

    async def tell(number: int) -> None:
        for _ in range(3):
            told.append(number)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(tell, number)
    return told


def test_by_turns_means_in_the_order_of_their_making() -> None:
    assert run_pinned(order_of_turns) == [*range(5)] * 3


def test_a_shuffle_is_another_order_and_the_same_for_its_number() -> None:
    by_number = {
        number: [run_pinned(order_of_turns, schedule=f"shuffle:{number}") for _ in range(2)]
        for number in range(4)
    }
    assert all(first == second for first, second in by_number.values())
    assert len({tuple(first) for first, _ in by_number.values()}) == 4
    assert all(sorted(first) == sorted([*range(5)] * 3) for first, _ in by_number.values())


def test_an_idle_task_more_changes_nobody_else_s_turns() -> None:
    async def with_an_observer() -> list[int]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 100.0)
            told = await order_of_turns()
            nursery.cancel_scope.cancel()
        return told

    assert run_pinned(with_an_observer) == run_pinned(order_of_turns)


@pytest.mark.parametrize("schedule", ["", "lifo", "shuffle", "shuffle:", "shuffle:x", "shuffle:-1"])
def test_a_schedule_that_is_none_is_told_with_those_that_are(schedule: str) -> None:
    with (
        pytest.raises(ValueError, match=r"is neither 'fifo' nor 'shuffle:NUMBER'"),
        deterministic(schedule),
    ):
        pytest.fail("it was taken")


def test_afterwards_trio_is_as_it_was_even_after_an_error() -> None:
    def inner() -> list[object]:
        owners = (_run.CancelStatus.__init__, _run.Nursery.__init__, _run.Deadlines.add)
        return [*owners, _run._r, _run._ALLOW_DETERMINISTIC_SCHEDULING]

    def fail_within() -> None:
        with deterministic():
            assert inner() != before
            raise KeyError

    before = inner()
    with pytest.raises(KeyError):
        fail_within()
    assert inner() == before


def test_a_trio_without_these_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_run.Deadlines, "add")
    with pytest.raises(PinError, match=rf"trio {trio.__version__}: .*add"), deterministic():
        pytest.fail("it was taken")


def test_a_trio_whose_sets_do_not_begin_empty_is_refused() -> None:
    class Filled:
        def __init__(self) -> None:
            self.members = {1}

    with pytest.raises(PinError, match="members does not begin empty"):
        pins._with_ordered(Filled.__init__, ["members"])(Filled())


def test_an_ordered_set_is_a_set_that_keeps_its_order() -> None:
    made = OrderedSet("ba")
    made.add("c")
    made.add("b")
    made.discard("x")
    assert (list(made), len(made), "c" in made) == (["b", "a", "c"], 3, True)
    made.remove("b")
    made.discard("a")
    assert list(made) == ["c"]
    with pytest.raises(KeyError):
        made.remove("a")
