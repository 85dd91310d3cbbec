"""TLS on both sides of a balancer, and yet the same run in every process, byte for byte."""

from tests.sim.secure_twins import secure_twins
from trio_lb.sim.search.twins import DIVERGED


def test_days_that_speak_tls_are_the_same_in_two_processes() -> None:
    """Eight of the hundred that ``python -m tests.sim.secure_twins`` runs."""
    outcomes = [outcome for _, outcome in secure_twins(8)]
    assert [each for each in outcomes if DIVERGED in each.violations] == []
    assert len({outcome.trace_hash for outcome in outcomes}) == 8
