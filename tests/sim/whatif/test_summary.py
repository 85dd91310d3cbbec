"""Many seeds: means, and how often who was better."""

from collections import Counter

from trio_lb.sim.report.lines import Line
from trio_lb.sim.whatif.compare import Compared
from trio_lb.sim.whatif.summary import Checks, Row, rows_of


def test_a_row_has_the_means_and_counts_who_was_better() -> None:
    seeds = [
        Compared(lines=(Line("p99", (old, new), "ns"), Line("good", (0.5, 1.0), "%", 1)))
        for old, new in ((10.0, 5.0), (20.0, 30.0), (30.0, 25.0), (8.0, 8.0))
    ]
    assert rows_of(seeds) == [
        Row(Line("p99", (17.0, 17.0), "ns"), 2, 1),
        Row(Line("good", (0.5, 1.0), "%", 1), 4, 0),
    ]


def test_a_mean_is_of_those_seeds_that_have_a_value() -> None:
    seeds = [Compared(lines=(Line("p99", values, "ns"),)) for values in ((10.0, None), (20.0, 4.0))]
    assert rows_of(seeds) == [Row(Line("p99", (15.0, 4.0), "ns"), 1, 0)]
    unknown = [Compared(lines=(Line("p99", (None, None), "ns"),))]
    assert rows_of(unknown) == [Row(Line("p99", (None, None), "ns"), 0, 0)]


def test_no_seeds_give_no_rows() -> None:
    assert rows_of([]) == []


def test_checks_are_counted_by_who_broke_them() -> None:
    seeds = [
        Compared(old_broken={"rate": "", "leak": ""}, new_broken={"leak": ""}),
        Compared(old_broken={"rate": ""}, new_broken={"queue": ""}),
        Compared(),
    ]
    assert Checks.of(seeds) == Checks(
        old_only=Counter({"rate": 2}), new_only=Counter({"queue": 1}), both=Counter({"leak": 1})
    )
