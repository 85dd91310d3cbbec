"""Twin runs: two processes, other hashes, other addresses, and the same trace."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.sim.search import runs
from trio_lb.sim.search.trial import Outcome, Trial, name_of
from trio_lb.sim.search.twins import IMPORTS, TWINS, TwinDied, TwinRun, import_everything, serve


@pytest.fixture
def plain() -> Iterator[TwinRun]:
    run = TwinRun(name_of(runs.plain))
    yield run
    run.close()


def test_twins_that_agree_give_the_one_outcome_trial_after_trial(plain: TwinRun) -> None:
    assert [plain(Trial("x", seed=seed)) for seed in (4, 5)] == [
        Outcome({}, "4", {}, ("digit 4",)),
        Outcome({"odd": "5 is odd"}, "5", {}, ("digit 5",)),
    ]


def test_after_closing_they_start_anew(plain: TwinRun) -> None:
    plain(Trial("x"))
    plain.close()
    plain.close()
    assert plain(Trial("x")).ok


def test_what_a_run_prints_is_no_answer() -> None:
    run = TwinRun(name_of(runs.prints))
    try:
        assert run(Trial("x", seed=2)).trace_hash == "2"
    finally:
        run.close()


def test_what_both_raise_is_a_crash_and_no_difference() -> None:
    run = TwinRun(name_of(runs.dies_of_three))
    try:
        assert run(Trial("x", seed=5)).violations == {"crashed": "ValueError: five is too much"}
    finally:
        run.close()


def test_a_twin_that_dies_is_told_with_the_seed() -> None:
    with pytest.raises(TwinDied, match="a twin ended in the trial with seed 3"):
        TwinRun(name_of(runs.dies_of_three))(Trial("x", seed=3))


def test_a_process_answers_each_line_with_a_line() -> None:
    lines = io.StringIO("".join(f"{Trial('x', seed=seed).text}\n" for seed in (1, 5)))
    answers = io.StringIO()
    serve(runs.dies_of_three, lines, answers)
    first, second = map(json.loads, answers.getvalue().splitlines())
    assert Outcome(**first) == runs.plain(Trial("x", seed=1))
    assert second == {"raised": "ValueError: five is too much"}


def test_a_process_says_at_once_that_it_can_t_find_its_function() -> None:
    command = [sys.executable, "-m", "trio_lb.sim.search.twins", "nowhere:at_all"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "'nowhere:at_all' can't be loaded: No module named 'nowhere'" in ran.stderr


def test_one_twin_has_imported_everything_before_in_an_order_of_its_own() -> None:
    assert [each[IMPORTS] for each in TWINS] == ["", "2"]
    one, other = import_everything("2"), import_everything("3")
    assert one != other != sorted(other)
    assert set(one) == set(other)
    assert {"trio_lb.cli.main", "trio_lb.policy.breaker", "trio_lb.sim.run"} <= set(one)
    assert import_everything("2") == one


def test_what_stands_for_a_library_that_is_not_installed_is_left_out() -> None:
    code = """
import sys
sys.modules.update(dict.fromkeys(["httpx", "httpx2", "hypothesis", "pytest"]))
from trio_lb.sim.search.twins import import_everything
print(*import_everything("2"))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert not {"trio_lb.httpx", "trio_lb.pytest_plugin"} & set(ran.stdout.split())
    assert "trio_lb.cli.main" in ran.stdout.split()
