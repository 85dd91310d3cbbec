"""The throttle: one of a kind in a while, and none uncounted."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.observe.throttle import Throttle


def test_the_second_of_a_kind_waits_ten_seconds_and_brings_the_count() -> None:
    throttle = Throttle(10.0)
    seen = [throttle.admit("a", at) for at in (0.0, 1.0, 9.9, 10.0, 10.1, 20.0)]
    assert seen == [0, None, None, 2, None, 1]


def test_kinds_do_not_hold_up_each_other() -> None:
    throttle = Throttle(10.0)
    assert [throttle.admit(kind, 0.0) for kind in ("a", "b", "a")] == [0, 0, None]


def test_the_longest_known_kind_is_forgotten_first() -> None:
    throttle = Throttle(10.0, most_kinds=2)
    assert [throttle.admit(kind, 0.0) for kind in ("a", "b", "c", "b", "a")] == [0, 0, 0, None, 0]


@given(st.lists(st.floats(0, 100), max_size=50))
def test_each_one_is_admitted_counted_or_still_held_back(instants: list[float]) -> None:
    throttle = Throttle(10.0)
    answers = [throttle.admit("a", at) for at in sorted(instants)]
    admitted = [answer for answer in answers if answer is not None]
    after_the_last = next((i for i, a in enumerate(reversed(answers)) if a is not None), 0)
    assert len(admitted) + sum(admitted) + after_the_last == len(instants)
