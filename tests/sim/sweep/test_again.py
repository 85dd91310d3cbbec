"""A run made again from its trace: the same, or told where it parts."""

import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from tests.cli import stories
from trio_lb.model.errors import ConfigError
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.sweep.again import Again, run_again, trial_of
from trio_lb.sim.trial_run import run_whole

ODD = Trial(f"{stories.__name__}:odd", seed=1, until=4, settle=1)


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = str(tmp_path / "run.jsonl")
    run_whole(ODD, trace=path)
    return path


def again(path: str, until: float | None = None) -> Again:
    trial = trial_of(path)
    assert trial == ODD
    return run_again(path, trial, until=until)


def test_the_same_trial_gives_the_same_trace(path: str) -> None:
    made = again(path)
    assert (made.same, made.difference) == (True, ())
    assert made.result is not None
    last = json.loads(Path(path).read_text().splitlines()[-1])
    assert (made.happenings, made.result.trace_hash) == (last["end"], last["hash"])


@pytest.mark.parametrize("until", [0.0, 1.0, 2.0, 3.3, 1000.0])
def test_up_to_an_instant_it_is_the_same_too(path: str, until: float) -> None:
    made = again(path, until)
    assert (made.same, made.result) == (True, None)
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    events = [line for line in lines if isinstance(line, list)]
    assert made.happenings == sum(event[0] <= until * 1e9 for event in events)


def test_another_run_is_told_where_it_parts(path: str) -> None:
    made = run_again(path, attrs.evolve(ODD, seed=3))
    assert not made.same
    assert made.difference[0] == "the headers differ in seed: 1 in the first, 3 in the second"
    assert any(line.startswith("then in the second") for line in made.difference)


def test_what_differs_only_later_does_not_count(path: str) -> None:
    later = attrs.evolve(ODD, until=5)
    assert run_again(path, later, until=3.9).same
    assert not run_again(path, later).same


def edited(path: str, change: Callable[[list[str]], list[str]]) -> None:
    lines = Path(path).read_text().splitlines(keepends=True)
    Path(path).write_text("".join(change(lines)))


def test_a_trace_that_is_cut_or_changed_is_refused_by_file_and_line(path: str) -> None:
    edited(path, lambda lines: lines[:20])
    with pytest.raises(ConfigError) as caught:
        again(path)
    assert str(caught.value) == (
        f"{path}:21 the trace is cut off here, after event 19: its last line is missing"
    )


def test_a_header_without_a_trial_has_none(path: str) -> None:
    edited(path, lambda lines: [header(lines, ""), *lines[1:]])
    assert trial_of(path) is None


@pytest.mark.parametrize(
    ("trial", "told"),
    [
        ("{}", "trial.scenario: is missing"),
        ('{"scenario": "fleet", "sed": 3}', "trial.sed: is no part of a trial: "),
        ("[1", "trial: is none: "),
        ("7", "trial: is none: "),
    ],
)
def test_a_trial_of_another_shape_is_refused(path: str, trial: str, told: str) -> None:
    edited(path, lambda lines: [header(lines, trial), *lines[1:]])
    with pytest.raises(ConfigError) as caught:
        trial_of(path)
    assert str(caught.value).startswith(f"{path}:1 {told}")


def header(lines: list[str], trial: str) -> str:
    return json.dumps({**json.loads(lines[0]), "trial": trial}) + "\n"
