"""Loopback and simulation are asked the same: each case means the same on both sides."""

from collections import Counter

import pytest
import trio

from benchmarks.fidelity import Case, Seen, cases, on_loopback, simulated

SECONDS = 1.5
RATE = 100.0


@pytest.mark.parametrize("case", cases(SECONDS), ids=lambda case: case.name)
def test_clients_see_the_same_outcomes_on_loopback_and_in_a_simulation(case: Case) -> None:
    real = trio.run(on_loopback, case, RATE, SECONDS)
    virtual = simulated(case, RATE, SECONDS)
    total = sum(real.outcomes.values())
    assert total == sum(virtual.outcomes.values()) > 100  # The same arrivals.
    assert set(real.outcomes) == set(virtual.outcomes)
    for outcome, count in real.outcomes.items():
        # Two requests of one instant may swap their servers; no more than that.
        assert abs(count - virtual.outcomes[outcome]) <= 3, outcome


def test_what_was_seen_is_told_in_shares_and_quantiles() -> None:
    seen = Seen()
    for milliseconds in range(1, 100):
        seen.note("200", milliseconds / 1e3)
    seen.note("502", 5.0)
    assert seen.outcomes == Counter({"200": 99, "502": 1})
    assert seen.told() == "200 99.0%, 502 1.0%"
    assert [round(seen.milliseconds(share)) for share in (0.0, 0.5, 1.0)] == [1, 50, 99]
