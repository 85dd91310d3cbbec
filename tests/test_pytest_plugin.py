"""The plugin in a user's own project: a seed by hand, a failure that tells how to see it again."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.plugin import run_pytest

pytestmark = pytest.mark.timeout(200)
"""Each starts pytest anew, some twice."""

TESTS = """
import pytest
from trio_lb.sim import ClientPolicy, ErrorRate, OpenLoop, Poisson, Simulation


def world(sim: Simulation) -> None:
    for name in ("s1", "s2"):
        sim.server(name)
    sim.balancer({"retry": {"max_retries": 0}})
    sim.clients("web", OpenLoop(Poisson(10)), policy=ClientPolicy(timeout=1.0))
    sim.check(ErrorRate("<1%"))


def test_calm(lb_sim):
    sim = lb_sim.simulation()
    world(sim)
    print("seed", sim.seed)
    lb_sim.run(sim, until=5)


def test_storm(lb_sim):
    lb_sim.explore(world, until=5, settle=0, seeds=10, harsh=True, kinds=["partition"])
"""

BESIDE = """
import trio
from hypothesis import given, strategies as st
from trio_lb.sim import SimulationTester


async def test_of_pytest_trio(autojump_clock):
    await trio.sleep(3600)


@given(st.integers())
def test_of_hypothesis(number):
    assert number * 0 == 0


async def test_of_both(lb_sim):
    assert isinstance(lb_sim, SimulationTester)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a user's tests."""
    (tmp_path / "test_mine.py").write_text(TESTS)
    return tmp_path


def test_a_seed_may_be_given_by_hand(project: Path) -> None:
    done = run_pytest(project, "-s", "-k", "calm", "--lb-seed", "17")
    assert "seed 17" in done.stdout
    assert done.returncode == 0, done.stdout


def test_a_failure_names_its_seed_and_the_smallest_schedule(project: Path) -> None:
    done = run_pytest(project, "-k", "storm")
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("E ")]
    told = "\n".join(failed)
    assert "simulation 'test_storm' fails with seed " in told
    assert "error_rate: " in told
    assert "with 1 of " in told
    seed = told.partition("--lb-seed ")[2].split()[0]
    assert f"to see it again: pytest test_mine.py::test_storm --lb-seed {seed}" in told
    again = run_pytest(project, "test_mine.py::test_storm", "--lb-seed", seed)
    assert f"fails with seed {seed}: " in again.stdout


def test_a_failure_leaves_its_report_where_it_is_told_to(project: Path) -> None:
    done = run_pytest(project, "-k", "storm", "--lb-report", "out")
    name = done.stdout.partition("to look at it: out/")[2].split()[0]
    assert re.fullmatch(r"test_storm-seed\d+\.html", name)
    page = project / "out" / name
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert page.with_suffix(".jsonl").exists()


def test_a_failure_in_a_folder_below_the_root_is_named_from_where_one_stands(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\n")
    below = project / "below"
    below.mkdir()
    (below / "test_deep.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('one', ['a b'])\n"
        "def test_empty(lb_sim, one):\n    lb_sim.replay(lambda sim: None, until=1)\n"
        "    \n\ndef test_point(lb_sim):\n    from trio_lb.sim import Sometimes, What\n"
        "    lb_sim.replay(lambda sim: sim.check(Sometimes('x', What.OPEN)), until=1)\n"
    )
    done = run_pytest(below)
    assert "vacuous: the world has no clients" in done.stdout
    assert "to see it again: pytest test_deep.py::test_point --lb-seed 0" in done.stdout


def test_a_folder_that_reports_can_t_go_to_is_refused_before_any_test(project: Path) -> None:
    done = run_pytest(project, "--lb-report", "test_mine.py/out")
    assert done.returncode == 4
    assert done.stderr.strip() == "ERROR: --lb-report test_mine.py/out: Not a directory"


def test_it_stands_beside_other_plugins(project: Path) -> None:
    """Several processes, trio's own tests, Hypothesis: none of them is in another's way."""
    (project / "test_theirs.py").write_text(BESIDE)
    (project / "pytest.ini").write_text("[pytest]\ntrio_mode = true\nfilterwarnings = error\n")
    done = run_pytest(project, "-n", "2", "-k", "not storm", "-o", "addopts=")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_help_explains_the_options(project: Path) -> None:
    done = run_pytest(project, "--help")
    assert "--lb-seed=SEED" in done.stdout
    assert "--lb-report=FOLDER" in done.stdout


def test_the_plugin_costs_nothing_until_it_is_used() -> None:
    code = (
        "import sys, trio_lb.pytest_plugin; print([m for m in sys.modules if m.startswith('trio')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "['trio_lb._version', 'trio_lb', 'trio_lb.pytest_plugin']"
