"""The real clock of a search."""

from trio_lb.sim.sweep.stopwatch import Stopwatch


def test_it_begins_near_zero_and_never_goes_back() -> None:
    watch = Stopwatch()
    seen = [watch.seconds() for _ in range(100)]
    assert seen == sorted(seen)
    assert 0.0 <= seen[0] < 30.0
