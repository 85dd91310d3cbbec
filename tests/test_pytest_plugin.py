"""The plugin in a user's own project: a seed by hand, a failure that tells how to see it again."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest
from trio_lb.sim import ClientPolicy, ErrorRate, OpenLoop, Poisson, Simulation


def world(sim: Simulation) -> None:
    for name in ("s1", "s2"):
        sim.server(name)
    sim.balancer({"retry": {"max_retries": 0}})
    sim.clients("web", OpenLoop(Poisson(20)), policy=ClientPolicy(timeout=1.0))
    sim.check(ErrorRate("<1%"))


def test_calm(lb_sim):
    sim = lb_sim.simulation()
    world(sim)
    print("seed", sim.seed)
    lb_sim.run(sim, until=5)


def test_storm(lb_sim):
    lb_sim.explore(world, until=20, settle=5, seeds=10, harsh=True, kinds=["partition"])
"""


def run_pytest(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a project in a process of its own."""
    (folder / "test_mine.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "trio_lb.pytest_plugin",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(
        [*command, "-q", *args, "test_mine.py"],
        cwd=folder, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_a_seed_may_be_given_by_hand(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "-s", "-k", "calm", "--lb-seed", "17")
    assert "seed 17" in done.stdout
    assert done.returncode == 0, done.stdout


def test_a_failure_names_its_seed_and_the_smallest_schedule(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "-k", "storm")
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("E ")]
    told = "\n".join(failed)
    assert "simulation 'test_storm' fails with seed " in told
    assert "error_rate: " in told
    assert "with 1 of " in told
    seed = told.partition("--lb-seed ")[2].split()[0]
    again = run_pytest(tmp_path, "-k", "storm", "--lb-seed", seed)
    assert f"fails with seed {seed}: " in again.stdout


def test_help_explains_the_option(pytestconfig: pytest.Config) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "trio_lb.pytest_plugin", "--help"],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "--lb-seed=SEED" in done.stdout


def test_the_plugin_costs_nothing_until_it_is_used() -> None:
    code = (
        "import sys, trio_lb.pytest_plugin; print([m for m in sys.modules if m.startswith('trio')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "['trio_lb._version', 'trio_lb', 'trio_lb.pytest_plugin']"
