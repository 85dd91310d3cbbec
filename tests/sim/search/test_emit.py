"""The emitted test: short, formatted, always the same, and it runs the very same trial."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.sim.faults.support import faults
from tests.sim.search import support
from tests.sim.search.support import cut, slow
from trio_lb.sim.checks.violation import Violation
from trio_lb.sim.search.emit import MOST_LINES, emit, emit_replay, in_words, name_for
from trio_lb.sim.search.trial import Trial, name_of
from trio_lb.sim.trace import hash_of_config

ROOT = Path(__file__).parents[3]
RUN = name_of(support.run_trial)
TRIAL = Trial(
    "two tiers", seed=7, faults=[slow("s1", 0, 1), slow("s3", 0.5, 1), cut("s2", 1, 2)], until=5
)
SAYS = "server:s1 and server:s3 are slow"

words = st.text(max_size=30)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
trials = st.builds(
    Trial,
    words,
    seed=st.integers(0, 2**64),
    config=st.none() | words | st.dictionaries(words, json_values, max_size=3),
    faults=st.lists(faults(), max_size=6),
    until=st.floats(1e-6, 1e9),
    settle=st.floats(0, 1e9),
    options=st.dictionaries(words, json_values, max_size=3),
)


def test_a_small_trial_is_written_in_fluent_words() -> None:
    assert emit(TRIAL, run=RUN, check="latency", says=SAYS) == (
        '"""two tiers with seed 7 fails latency: server:s1 and server:s3 are slow."""\n'
        "\n"
        "from trio_lb.sim.faults.fluent import Partition, Slow, during, schedule\n"
        "from trio_lb.sim.search.trial import Trial\n"
        "\n"
        "from tests.sim.search.support import run_trial\n"
        "\n"
        "FAULTS = schedule(\n"
        '    during(0, 1, Slow("server:s1", x=10)),\n'
        '    during(0.5, 1, Slow("server:s3", x=10)),\n'
        '    during(1, 2, Partition("lb", "s2", way="both")),\n'
        ")\n"
        "\n"
        "\n"
        "def test_latency_of_two_tiers_with_seed_7() -> None:\n"
        '    trial = Trial("two tiers", seed=7, faults=FAULTS, until=5)\n'
        "    assert run_trial(trial).violations == {}\n"
    )


def test_a_violation_is_told_without_the_name_of_its_check_twice() -> None:
    says = str(Violation(3.25, "latency", "p99 is 2 s", req=7, entity="web"))
    first, *_ = emit(TRIAL, run=RUN, check="latency", says=says).splitlines()
    assert first == (
        '"""two tiers with seed 7 fails latency at 3.250000 s: web, request 7: p99 is 2 s."""'
    )
    about_no_request = str(Violation(3.25, "latency", "p99 is 2 s"))
    first, *_ = emit(TRIAL, run=RUN, check="latency", says=about_no_request).splitlines()
    assert first == '"""two tiers with seed 7 fails latency at 3.250000 s: p99 is 2 s."""'


def test_a_long_trial_becomes_one_line_of_json() -> None:
    long = attrs.evolve(TRIAL, faults=[slow("s1", at, at + 1) for at in range(20)])
    text = emit(long, run="trio_lb.scenarios:run_trial", check="latency")
    lines = text.splitlines()
    assert lines[2:6] == [
        "import json",
        "",
        "from trio_lb.scenarios import run_trial",
        "from trio_lb.sim.search.trial import Trial",
    ]
    assert len(lines) == 15
    assert made_by(text.replace("trio_lb.scenarios", support.__name__)) == long


def test_a_trial_without_faults_needs_no_words() -> None:
    text = emit(Trial("storm"), run=RUN, check="leaks")
    assert 'trial = Trial("storm")' in text
    assert "fluent" not in text


def test_a_world_of_a_test_is_played_again_by_the_fixture() -> None:
    assert emit_replay("test_shop[2]", "shop", TRIAL, more={"latency_seconds": 0.01}) == (
        """from trio_lb.sim.faults.fluent import Partition, Slow, during


def test_shop_2_with_seed_7(lb_sim):
    lb_sim.replay(
        shop,
        during(0, 1, Slow("server:s1", x=10)),
        during(0.5, 1, Slow("server:s3", x=10)),
        during(1, 2, Partition("lb", "s2", way="both")),
        seed=7,
        until=5,
        settle=30,
        latency_seconds=0.01,
    )
"""
    )
    assert in_words(TRIAL.faults[0]) == 'during(0, 1, Slow("server:s1", x=10))'


def test_without_faults_a_replay_is_a_line_and_with_many_they_are_data() -> None:
    bare = attrs.evolve(TRIAL, faults=())
    assert emit_replay("test_shop", "shop", bare) == (
        "def test_shop_with_seed_7(lb_sim):\n    lb_sim.replay(shop, seed=7, until=5, settle=30)\n"
    )
    many = attrs.evolve(TRIAL, faults=[slow("s1", n, n + 1) for n in range(30)])
    lines = emit_replay("test_shop", "shop", many).splitlines()
    assert lines[0] == "import json"
    assert len(lines) <= MOST_LINES


def test_the_name_is_one_that_pytest_collects_and_python_takes() -> None:
    trial = Trial("my.scenarios:Retry-Storm", seed=3)
    assert name_for(trial, "NoLeaks!") == "test_noleaks_of_retry_storm_with_seed_3"


def made_by(text: str) -> Trial:
    """The trial that an emitted test hands to its run; the assertion is not made."""
    tree = ast.parse(text)
    function = tree.body.pop()
    assert isinstance(function, ast.FunctionDef)
    tree.body.append(function.body[0])
    names: dict[str, Any] = {}
    exec(compile(tree, "emitted", "exec"), names)
    trial = names["trial"]
    assert isinstance(trial, Trial)
    return trial


@given(trials, words)
def test_whatever_the_trial_the_test_is_short_and_runs_the_very_same(
    trial: Trial, says: str
) -> None:
    text = emit(trial, run=RUN, check="latency", says=says)
    assert text == emit(Trial.from_data(trial.to_data()), run=RUN, check="latency", says=says)
    assert text.count("\n") <= MOST_LINES
    assert made_by(text) == trial


def test_the_formatter_finds_nothing_to_change(tmp_path: Path) -> None:
    """All are written first, so that the formatter starts once."""
    pytest.importorskip("ruff", reason="the formatter belongs to the lint group")

    @settings(max_examples=60, phases=[Phase.generate])
    @given(trials, words)
    def write(trial: Trial, says: str) -> None:
        text = emit(trial, run=RUN, check="latency", says=says)
        (tmp_path / f"test_{hash_of_config(text)}.py").write_text(text, "utf-8")

    write()
    command = [sys.executable, "-m", "ruff", "format", "--no-cache", "--isolated", "--diff"]
    ran = subprocess.run(
        [*command, "--line-length=100", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


@pytest.mark.parametrize(("x", "code", "told"), [(10.0, 1, "1 failed"), (2.0, 0, "1 passed")])
def test_pytest_finds_it_red_while_the_trial_fails_and_green_afterwards(
    tmp_path: Path, x: float, code: int, told: str
) -> None:
    trial = attrs.evolve(TRIAL, faults=[slow("s1", 0, 1, x), slow("s3", 0, 1, x)])
    path = tmp_path / f"{name_for(trial, 'latency')}.py"
    path.write_text(emit(trial, run=RUN, check="latency", says=SAYS), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    ran = subprocess.run(
        [*command, f"--rootdir={tmp_path}", str(path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, told in ran.stdout) == (code, True), ran.stdout + ran.stderr
    assert (SAYS in ran.stdout) == bool(code)
