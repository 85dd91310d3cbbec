"""Who is given up, and when: others are the measure, and a minute is the least."""

import pytest

from trio_lb.sim.search.patience import Patience


class Watch:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_before_anybody_is_done_nobody_is_given_up() -> None:
    watch = Watch()
    patience = Patience(watch)
    patience.begin("a")
    watch.now = 1e9
    assert patience.left is None
    assert not patience.is_over("a")


@pytest.mark.parametrize(("slowest", "most"), [(0.5, 60.0), (3.0, 60.0), (4.0, 80.0)])
def test_a_run_may_take_twenty_times_as_long_as_the_slowest_and_a_minute_at_least(
    slowest: float, most: float
) -> None:
    watch = Watch()
    patience = Patience(watch)
    for lasts in (0.25, slowest, 0.125):
        patience.begin("quick")
        watch.now += lasts
        patience.end("quick")
    patience.begin("slow")
    assert (patience.seconds, patience.left) == (most, most)
    watch.now += most - 1.0
    assert (patience.left, patience.is_over("slow")) == (1.0, False)
    watch.now += 1.5
    assert (patience.left, patience.is_over("slow")) == (0.0, True)


def test_who_is_given_up_is_no_measure_for_others() -> None:
    watch = Watch()
    patience = Patience(watch)
    patience.begin("a")
    watch.now = 100.0
    patience.give_up("a")
    patience.begin("b")
    assert patience.left is None


def test_what_is_asked_for_counts_instead_of_the_others() -> None:
    watch = Watch()
    patience = Patience(watch, 2.5)
    patience.begin("a")
    watch.now = 1.0
    patience.begin("b")
    assert patience.left == 1.5
    patience.end("a")
    assert (patience.left, patience.seconds) == (2.5, 2.5)


def test_nobody_is_waited_for_when_nobody_is_at_work() -> None:
    assert Patience(Watch(), 2.5).left is None
