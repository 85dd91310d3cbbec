"""One worker: it answers, it dies, and it takes along what it started."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from tests.sim.search import runs
from trio_lb.sim.search.crew import Worker, start_method
from trio_lb.sim.search.trial import Outcome, Trial


def test_a_worker_answers_trial_after_trial() -> None:
    worker = Worker(runs.plain, start_method())
    try:
        for seed in (2, 4):
            worker.ask(Trial("x", seed=seed))
            reply = worker.reply()
            assert reply is not None
            assert reply.outcome == runs.plain(Trial("x", seed=seed))
    finally:
        worker.kill()
        worker.join()
    assert worker.epitaph() == "by signal SIGKILL"


def test_a_dead_worker_has_no_reply_and_can_be_asked_and_killed_in_peace() -> None:
    worker = Worker(runs.dies_of_three, start_method())
    worker.ask(Trial("x", seed=3))
    assert worker.reply() is None
    worker.ask(Trial("x", seed=1))
    worker.kill()
    assert worker.epitaph() == "with exit code 7"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a worker can be asked on POSIX only")
def test_a_worker_that_is_given_up_says_where_it_stood_and_is_gone(tmp_path: Path) -> None:
    worker = Worker(runs.spins_at_one, start_method())
    worker.ask(Trial("x", seed=1, options={"begun": str(tmp_path / "begun")}))
    for _ in range(10_000):
        if (tmp_path / "begun").exists():
            break
        time.sleep(0.001)
    assert not worker.is_gone
    reply = worker.give_up()
    assert worker.is_gone
    assert reply is not None
    assert reply.crash.startswith("spins_at_one, runs.py line ")


def test_a_way_to_start_is_one_that_this_platform_has() -> None:
    assert start_method() in multiprocessing.get_all_start_methods()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are process groups on POSIX only")
def test_what_a_worker_started_ends_with_it() -> None:
    worker = Worker(_starts_another, start_method())
    worker.ask(Trial("x"))
    reply = worker.reply()
    assert reply is not None
    assert reply.outcome is not None
    child = int(reply.outcome.trace_hash)
    assert os.getpgid(child) != os.getpgid(0)
    worker.kill()
    worker.join()
    assert _ends(child)


def _starts_another(trial: Trial) -> Outcome:
    return Outcome(trace_hash=str(os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "1000")))


def _ends(pid: int) -> bool:
    """Whether it is gone, or dead and waits for somebody to take note, within ten seconds."""
    for _ in range(1000):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False
