"""Branching: equal futures from one past, another where something was changed, nobody left over."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trio_lb.sim.search.branching import Fork, NoFork, branch

ROOT = Path(__file__).parents[3]

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is fork on POSIX only")


def played(play: str) -> dict[str, Any]:
    """What a play printed; its process has one line to say, whatever its children did."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.sim.search.branch_play", play],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=50,
    )
    assert ran.stderr == ""
    (line,) = ran.stdout.splitlines()
    told: dict[str, Any] = json.loads(line)
    assert told.pop("children") == 0, "a child is left"
    return told


@forks
def test_futures_without_a_change_are_the_same_and_one_with_a_change_is_another() -> None:
    told = played("futures")
    hashes = {name: result["hash"] for name, result in told["branches"].items()}
    assert list(hashes) == ["same", "same again", "slow"]
    assert hashes["same"] == hashes["same again"] == told["trunk"]["hash"]
    assert hashes["slow"] != hashes["same"]


@forks
def test_each_child_knows_its_name_and_the_run_itself_has_none() -> None:
    told = played("futures")
    assert [each["branch"] for each in told["branches"].values()] == list(told["branches"])
    assert told["trunk"]["branch"] == ""


@forks
def test_more_futures_than_run_at_once_come_in_the_order_of_the_changes() -> None:
    told = played("twenty")
    assert list(told["branches"]) == [f"number {number}" for number in range(20)]
    assert len({each["hash"] for each in told["branches"].values()}) == 1


@forks
@pytest.mark.parametrize(
    ("play", "says"),
    [
        ("raises", "branch 'bad': ValueError: no such server"),
        ("dies", "branch 'gone': its process ended without a word"),
        ("leaves", "main does not run around the fork: a child would leave it"),
        ("breaks", "branch 'broken': ValueError: no such server"),
        ("late", "the play was over before 500 s, or never armed the fork"),
    ],
)
def test_what_goes_wrong_in_a_child_is_told_with_its_name(play: str, says: str) -> None:
    assert played(play) == {"refused": says}


def test_where_there_is_no_fork_branching_is_refused_before_anything_runs() -> None:
    def play(fork: Fork) -> None:
        raise AssertionError("nothing may run")

    with pytest.raises(
        NoFork, match=r"branching needs os.fork, which \w+ has not; run each branch"
    ):
        branch(play, at=1.0, fork=None)
