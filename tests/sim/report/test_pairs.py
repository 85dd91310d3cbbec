"""The same request in two runs: what changed for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report.data import RunFacts
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.pairs import EDGES, SAME_NS, SHARES, Pair, Pairs, at_share, bin_of
from trio_lb.sim.report.tally import Tally

Ending = tuple[int, str] | None
"""(ns, reason) of a request; None: it was not over."""


def run_of(endings: list[Ending], horizon: float = 10.0) -> Figures:
    tally = Tally(horizon)
    for req, _ in enumerate(endings, 1):
        tally.hear(Happening(0.0, What.ARRIVE, "web", 0, req, ("GET",)))
    for req, ending in enumerate(endings, 1):
        if ending is not None:
            ns, reason = ending
            done = (int(not reason), 1, ns, reason)
            tally.hear(Happening(1.0, What.DONE, "web", 0, req, done))
    return Figures.of(RunFacts("run", 1, horizon), tally)


def test_each_request_is_compared_with_itself() -> None:
    a = run_of([(5_000_000, ""), (1_000, "reset"), (7_000_000, ""), (2_000_000, ""), None])
    b = run_of([(3_000_000, ""), (9_000_000, ""), (7_000_500, ""), (1_000, "503"), (1, "")])
    pairs = Pairs.of(a, b)
    assert pairs.outcomes == {
        ("good", "503"): 1,
        ("good", "good"): 2,
        ("reset", "good"): 1,
    }
    assert (pairs.rescued, pairs.lost, pairs.unpaired) == (1, 1, 1)
    assert (pairs.compared, pairs.faster, pairs.same, pairs.slower) == (2, 1, 1, 0)
    assert pairs.mean_ns == (-2_000_000 + 500) / 2
    assert pairs.gains == (Pair(-2_000_000, 1, (5_000_000, 3_000_000)),)
    assert pairs.losses == ()
    assert pairs.is_common


ENDINGS = st.lists(
    st.none() | st.tuples(st.integers(0, 10**11), st.sampled_from(["", "", "reset", "503"])),
    max_size=40,
)


@given(ENDINGS, ENDINGS)
def test_every_request_is_counted_once(some: list[Ending], more: list[Ending]) -> None:
    pairs = Pairs.of(run_of(some), run_of(more))
    over = sum(pairs.outcomes.values())
    # A request that is not over in either run at the end is in neither's table.
    assert over == sum(a is not None and b is not None for a, b in zip(some, more, strict=False))
    assert pairs.compared == pairs.outcomes.get(("good", "good"), 0) == sum(pairs.bins)
    assert pairs.faster + pairs.same + pairs.slower == pairs.compared
    assert list(pairs.quantiles_ns) == sorted(pairs.quantiles_ns)


@given(ENDINGS)
def test_a_run_compared_with_itself_differs_in_nothing(endings: list[Ending]) -> None:
    pairs = Pairs.of(run_of(endings), run_of(endings))
    assert (pairs.faster, pairs.slower, pairs.mean_ns) == (0, 0, 0.0)
    assert set(pairs.quantiles_ns) == {0}
    assert (pairs.rescued, pairs.lost) == (0, 0)


@given(st.integers(-(10**12), 10**12))
def test_bins_lie_around_zero_as_in_a_mirror(difference: int) -> None:
    middle = len(EDGES)
    assert bin_of(-difference) - middle == middle - bin_of(difference)
    assert (bin_of(difference) == middle) == (abs(difference) <= EDGES[0])


def test_edges_are_three_a_decade_from_ten_microseconds_to_a_hundred_seconds() -> None:
    assert EDGES[::3] == tuple(10**power for power in range(4, 12))
    assert EDGES[0] > SAME_NS


def test_quantiles_of_differences_are_differences_that_were_seen() -> None:
    assert [at_share(range(100), share) for share in SHARES] == [1, 5, 25, 50, 75, 95, 99]


def test_runs_of_different_lengths_are_not_compared() -> None:
    with pytest.raises(ValueError, match="runs of 10 s and 60 s have different buckets"):
        Pairs.of(run_of([]), run_of([], horizon=60.0))
