"""Comparisons: common random numbers, the optimum beside, and the page that shows one."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Lognormal
from trio_lb.sim.policy_level.compare import ALGORITHMS, compare, table
from trio_lb.sim.policy_level.settings import ServerModel, fleet
from trio_lb.sim.policy_level.workload import draw_workload

PAGE: Final = Path(__file__).parents[3] / "docs" / "simulation" / "policy-level.md"


def test_five_algorithms_and_the_optimum_serve_the_same_requests() -> None:
    servers = [*fleet(4, concurrency=4), ServerModel("old", concurrency=4, slow_factor=4.0)]
    requests = draw_workload(Poisson(600), Lognormal(p50=0.012, p99=0.08), until=10.0, seed=1)
    results = compare(requests, servers, seed=1)
    assert [each.algorithm for each in results] == [*ALGORITHMS, "optimum"]
    assert {each.offered for each in results} == {len(requests)}
    assert {each.good for each in results} == {len(requests)}
    means = {each.algorithm: each.mean_seconds for each in results}
    # One in five goes to a server that can take one in seventeen: turns are the worst there.
    assert means["round_robin"] > 5 * means["power_of_two"]
    assert means["optimum"] < means["least_connections"] < 1.3 * means["optimum"]


def test_the_same_candidate_twice_gives_the_same_row() -> None:
    requests = draw_workload(Poisson(100), Lognormal(p50=0.01, p99=0.1), until=20.0, seed=2)
    lines = list(table(compare(requests, fleet(3), ["power_of_two", "power_of_two"], seed=9)))
    assert lines[2] == lines[3]
    assert lines[-1].startswith("| `optimum` |")
    assert lines[-1].endswith(" | 1.00 |")


def examples() -> list[str]:
    return [part.split("```")[0] for part in PAGE.read_text("utf-8").split("```python\n")[1:]]


def test_the_examples_of_the_page_print_what_the_page_says() -> None:
    """What follows a block of code as plain text is what it prints."""
    page = PAGE.read_text("utf-8")
    assert len(examples()) == 2
    for code in examples():
        printed = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
        ).stdout
        assert printed
        assert f"{code}```\n\n```text\n{printed}```" in page
