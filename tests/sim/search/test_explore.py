"""Many trials in many processes: in order, whatever dies, and gone at once on Ctrl-C."""

import itertools
import multiprocessing
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.sim.search import runs
from trio_lb.sim.search.explore import Exploration, explore
from trio_lb.sim.search.progress import Counts
from trio_lb.sim.search.trial import Outcome, Trial

ROOT = Path(__file__).parents[3]


def trials(count: int) -> list[Trial]:
    return [Trial("x", seed=seed) for seed in range(count)]


def violations(explored: Exploration) -> list[dict[str, str]]:
    return [dict(each.outcome.violations) for each in explored.findings]


@pytest.mark.parametrize("method", [None, "spawn"])
def test_findings_come_in_the_order_of_the_seeds(method: str | None) -> None:
    explored = explore(reversed(trials(6)), runs.plain, processes=2, method=method)
    assert [each.trial.seed for each in explored.findings] == [0, 1, 2, 3, 4, 5]
    assert [each.trial.seed for each in explored.failures] == [1, 3, 5]
    assert explored.findings[5].outcome == runs.plain(Trial("x", seed=5))
    assert not explored.interrupted


def test_progress_tells_done_all_and_failed() -> None:
    told: list[Counts] = []
    explore(trials(4), runs.plain, processes=1, on_progress=told.append)
    assert told == [Counts(1, 4, 0), Counts(2, 4, 1), Counts(3, 4, 1), Counts(4, 4, 2)]


def test_who_reached_what_first_is_by_seed_not_by_the_clock() -> None:
    explored = explore(reversed(trials(25)), runs.plain, processes=3)
    assert [each.new for each in explored.findings[9:11]] == [("digit 9",), ()]
    first = explored.corpus.first
    assert {point: trial.seed for point, trial in first.items()} == {
        f"digit {seed}": seed for seed in range(10)
    }


def test_a_run_that_raises_or_dies_is_named_by_its_seed_and_the_rest_goes_on() -> None:
    explored = explore(trials(8), runs.dies_of_three, processes=2)
    assert [each.trial.seed for each in explored.findings] == list(range(8))
    three, four, five = violations(explored)[3:6]
    assert three == {"crashed": "seed 3: its process ended with exit code 7"}
    assert four == {"crashed": "seed 4: its process ended by signal SIGKILL"}
    assert five["crashed"].startswith("seed 5: ValueError: five is too much\nTraceback")
    assert "in dies_of_three" in five["crashed"]


def test_a_run_without_an_end_is_given_up_when_it_took_too_long_and_says_where_it_stood(
    tmp_path: Path,
) -> None:
    five = [attrs.evolve(each, options={"begun": str(tmp_path / "begun")}) for each in trials(5)]
    now = 0.0

    def pass_an_hour(counts: Counts) -> None:
        nonlocal now
        now += 3600.0 if counts.done == 4 else 1.0

    explored = explore(
        five, runs.spins_at_one, processes=2, on_progress=pass_an_hour, clock=lambda: now
    )
    assert [each.trial.seed for each in explored.findings] == [0, 1, 2, 3, 4]
    assert [list(each) for each in violations(explored)] == [[], ["crashed"], [], ["odd"], []]
    says = violations(explored)[1]["crashed"]
    first, *stack = says.splitlines()
    where = "it was in spins_at_one, runs.py line"
    assert first.startswith(f"seed 1: NoEnd: not done after 60 s; {where} ")
    assert any("in _reply" in line for line in stack)
    assert multiprocessing.active_children() == []


def test_many_that_die_at_once_lose_no_seed_of_the_others() -> None:
    explored = explore((Trial("x", seed=3 + n % 2 * 3) for n in range(40)), runs.dies_of_three,
                       processes=3)  # fmt: skip
    assert [each.trial.seed for each in explored.findings] == [3] * 20 + [6] * 20
    assert [each.outcome.ok for each in explored.findings] == [False] * 20 + [True] * 20


def test_who_dies_between_two_trials_takes_none_of_them_along() -> None:
    def wait_for_its_end(counts: Counts) -> None:
        for worker in multiprocessing.active_children() if counts.done == 1 else ():
            worker.join(30)
            assert worker.exitcode == 3

    explored = explore(
        trials(3), runs.dies_when_it_is_done, processes=1, on_progress=wait_for_its_end
    )
    assert violations(explored) == [{}, {"odd": "1 is odd"}, {}]


def test_ctrl_c_kills_the_workers_and_tells_what_is_done() -> None:
    endless = (Trial("x", seed=seed) for seed in itertools.count())

    def interrupt(counts: Counts) -> None:
        assert counts == Counts(1, None, 0)
        raise KeyboardInterrupt

    explored = explore(endless, runs.waits_for_ever, processes=3, on_progress=interrupt)
    assert [each.trial.seed for each in explored.findings] == [0]
    assert explored.interrupted
    assert multiprocessing.active_children() == []


def test_a_real_ctrl_c_ends_a_search_whose_runs_never_end() -> None:
    program = (
        "import multiprocessing, sys\n"
        "from tests.sim.search import runs\n"
        "from trio_lb.sim.search.explore import explore\n"
        "from trio_lb.sim.search.trial import Trial\n"
        "def ready(counts):\n"
        "    print('ready', flush=True)\n"
        "found = explore([Trial('x', seed=n) for n in range(9)], runs.waits_for_ever,\n"
        "                processes=3, on_progress=ready)\n"
        "print(len(found.findings), found.interrupted, multiprocessing.active_children())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == "ready\n"
        leader.send_signal(signal.SIGINT)
        assert leader.stdout.read() == "1 True []\n"
    assert leader.returncode == 0


def test_no_process_is_left_when_the_search_is_over() -> None:
    explore(trials(3), runs.plain, processes=3)
    assert multiprocessing.active_children() == []


def test_trials_are_taken_one_by_one_when_somebody_is_free() -> None:
    taken: list[int] = []

    def numbered() -> Iterator[Trial]:
        for seed in range(9):
            taken.append(seed)
            yield Trial("x", seed=seed)

    most = 0

    def look(counts: Counts) -> None:
        nonlocal most
        most = max(most, len(taken) - counts.done)

    explore(numbered(), runs.plain, processes=2, on_progress=look)
    assert (len(taken), most <= 2) == (9, True)


def test_twins_whose_hashes_differ_are_a_finding() -> None:
    explored = explore(trials(4), runs.looks_at_hashes, processes=1, twins=True)
    found = violations(explored)
    assert found[:2] == [{}, {}]
    assert [list(each) for each in found[2:]] == [["twins"], ["twins"]]
    assert found[3]["twins"].startswith("two runs, two traces: hash 3 ")


def test_no_trials_no_findings() -> None:
    assert explore([], runs.plain) == Exploration(())


def test_an_outcome_is_the_same_from_another_process() -> None:
    (finding,) = explore([Trial("x", seed=8)], runs.plain, processes=1).findings
    assert finding.outcome == Outcome({}, "8", {}, ("digit 8",))
