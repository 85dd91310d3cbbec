"""The agenda: what is due comes in order; a lane keeps promises, and forgets outdated ones."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.policy_level.agenda import Agenda, Lane


class Holder:
    """Whoever is promised something."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.number = 0


def number_of(holder: Holder) -> int:
    return holder.number


def noting(seen: list[tuple[Any, float]]) -> Callable[[Any, float], None]:
    return lambda what, now: seen.append((what, now))


def test_what_is_due_comes_in_the_order_of_instants_and_of_calls_where_they_tie() -> None:
    agenda, seen = Agenda(), list[tuple[Any, float]]()
    for at, what in ((2.0, "c"), (1.0, "a"), (2.0, "d"), (1.0, "b"), (3.0, "e")):
        agenda.put(at, noting(seen), what)
    agenda.run_until(2.0)
    assert seen == [("a", 1.0), ("b", 1.0), ("c", 2.0), ("d", 2.0)]


def test_what_is_put_for_an_instant_that_is_being_done_is_done_in_it() -> None:
    agenda, seen = Agenda(), list[tuple[Any, float]]()
    agenda.put(1.0, lambda _, now: agenda.put(now, noting(seen), "more"), None)
    agenda.run_until(1.0)
    assert seen == [("more", 1.0)]


def test_going_on_stops_when_nobody_wants_more_or_nothing_is_left() -> None:
    agenda, seen = Agenda(), list[tuple[Any, float]]()
    for at in (1.0, 2.0, 3.0):
        agenda.put(at, noting(seen), None)
    assert agenda.run_while(lambda: len(seen) < 2) == 2.0
    assert agenda.run_while(lambda: True) == 3.0
    assert agenda.run_while(lambda: True) is None


def test_taking_out_returns_what_was_put_for_one_receiver_and_leaves_the_rest() -> None:
    agenda, seen, other = Agenda(), list[tuple[Any, float]](), list[tuple[Any, float]]()
    mine, theirs = noting(seen), noting(other)
    for at in (3.0, 1.0, 2.0):
        agenda.put(at, mine, f"mine at {at}")
        agenda.put(at, theirs, at)
    assert agenda.take_out(mine) == ["mine at 1.0", "mine at 2.0", "mine at 3.0"]
    agenda.run_until(9.0)
    assert (seen, other) == ([], [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)])


def test_a_promise_is_kept_to_whoever_did_not_move_on() -> None:
    agenda, seen = Agenda(), list[tuple[Any, float]]()
    lane = Lane(agenda, 10.0, noting(seen), number_of)
    still, moved, later = Holder("still"), Holder("moved"), Holder("later")
    lane.keep(still, still.number, 1.0)
    lane.keep(moved, moved.number, 2.0)
    lane.keep(later, later.number, 3.0)
    moved.number += 1
    agenda.run_until(11.0)
    assert [(who.name, at) for who, at in seen] == [("still", 11.0)]
    agenda.run_until(99.0)
    assert [(who.name, at) for who, at in seen] == [("still", 11.0), ("later", 13.0)]


def test_a_lane_begins_anew_after_it_ran_dry() -> None:
    agenda, seen, who = Agenda(), list[tuple[Any, float]](), Holder()
    lane = Lane(agenda, 1.0, noting(seen), number_of)
    for at in (1.0, 5.0):
        lane.keep(who, who.number, at)
        agenda.run_until(at + 2.0)
    assert [at for _, at in seen] == [2.0, 6.0]


def test_outdated_promises_do_not_pile_up_until_they_are_due() -> None:
    agenda = Agenda()
    lane = Lane(agenda, 1e6, lambda who, now: None, number_of)
    for step in range(10_000):
        who = Holder()
        lane.keep(who, who.number, float(step))
        who.number += 1
    assert len(lane) < 100
    assert len(agenda.due) <= 2  # The lane's one entry, and the end of time.


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=60), st.integers(1, 20))
def test_law_every_promise_that_still_holds_is_kept_at_its_instant(
    steps: list[tuple[int, bool]], seconds: int
) -> None:
    agenda, seen = Agenda(), list[tuple[Any, float]]()
    lane = Lane(agenda, seconds, noting(seen), number_of)
    now, owed = 0.0, list[tuple[Holder, float]]()
    for gap, stays in steps:
        now += gap
        agenda.run_until(now)
        who = Holder()
        lane.keep(who, who.number, now)
        if stays:
            owed.append((who, now + seconds))
        else:
            who.number += 1
    agenda.run_until(now + seconds)
    assert seen == owed
