"""The benchmark of the policy level measures what its table says, on a small scale here."""

import pytest

from benchmarks import policy_level
from trio_lb.sim.policy_level.compare import ALGORITHMS


def test_it_prints_a_row_for_each_variant_and_for_each_algorithm(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert policy_level.main(["--requests", "500", "--rounds", "1", "--compare", "500"]) == 0
    speeds, rest = capsys.readouterr().out.split("\n\n", 1)
    titles = [line.split(" | ")[0].lstrip("| ") for line in speeds.splitlines()[2:]]
    assert titles == ["drawing the workload", *(each.title for each in policy_level.VARIANTS)]
    rows = [line for line in rest.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [*ALGORITHMS, "optimum"]
    assert "5 algorithms and the optimum, 500 requests: " in rest


def test_the_mixed_fleet_is_four_fifths_busy() -> None:
    requests = policy_level.mixed_workload(20_000)
    capacity = sum(each.concurrency / each.slow_factor for each in policy_level.mixed_fleet())
    assert capacity == 104.0
    assert requests.work_seconds / requests.until == pytest.approx(0.8 * capacity, rel=0.03)
