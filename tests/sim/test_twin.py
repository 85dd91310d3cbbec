"""Twin runs: the same seed in processes that differ in all that must not matter."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from trio.testing import MockClock

from tests.sim.twin_play import play
from tests.sim.twins_1000 import twins
from trio_lb.sim.run import run
from trio_lb.sim.search.twins import DIVERGED

ROOT: Final = Path(__file__).resolve().parents[2]
PLAIN: Final = ("-m", "tests.sim.twin_play")
OTHER_IMPORTS: Final = (
    "-c",
    "import trio_lb.cli.main, trio_lb.httpx, hypothesis, tests.sim.twin_play as it; it.main()",
)


def run_of(*arguments: str, how: tuple[str, ...] = PLAIN, **environ: str) -> str:
    """What the play prints: the hash of its news, its requests, its failures."""
    done = subprocess.run(
        [sys.executable, *how, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("seed", ["7", "8"])
def test_neither_hashes_nor_addresses_nor_the_order_of_imports_matter(seed: str) -> None:
    first = run_of(seed)
    assert first.split()[1] == "400"
    assert run_of(seed, PYTHONHASHSEED="4711", PYTHONMALLOC="malloc") == first
    assert run_of(seed, how=OTHER_IMPORTS, PYTHONHASHSEED="random", PYTHONMALLOC="debug") == first


def test_another_seed_is_another_day() -> None:
    assert run_of("7") != run_of("8")


@pytest.mark.parametrize("seed", range(4))
def test_trio_s_own_virtual_clock_gives_the_same_timeline(seed: int) -> None:
    told = run(lambda: play(seed))
    assert run(lambda: play(seed), clock=MockClock(autojump_threshold=0)) == told


def test_days_with_drawn_faults_are_the_same_in_both_of_two_processes() -> None:
    """Twenty of the thousand that ``python -m tests.sim.twins_1000`` runs."""
    outcomes = [outcome for _, outcome in twins(20)]
    assert [outcome.violations.get(DIVERGED) for outcome in outcomes] == [None] * 20
    assert len({outcome.trace_hash for outcome in outcomes}) == 20
