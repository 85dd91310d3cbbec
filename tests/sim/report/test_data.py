"""What is known of a run beside its happenings."""

from trio_lb.sim.report.data import CoveragePoint, RunFacts, Verdict


def test_a_run_is_good_if_every_check_held() -> None:
    good, bad = Verdict("a", True), Verdict("b", False, 1, "why", 2.0, 3)
    assert RunFacts("run", 1, 60.0, verdicts=(good,)).ok
    assert not RunFacts("run", 1, 60.0, verdicts=(good, bad)).ok


def test_points_that_were_never_reached_are_named() -> None:
    points = (CoveragePoint("reached", 0.0), CoveragePoint("never"))
    assert RunFacts("run", 1, 60.0, coverage=points).missed == ("never",)
