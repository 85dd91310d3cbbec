"""The table of what decisions cost has a row for each algorithm that was asked for."""

import pytest

from benchmarks.decisions import main
from trio_lb.policy.balance.registry import ALGORITHMS


def test_every_algorithm_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--servers", "3", "20", "--rounds", "1"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head == "| | 3 | 20 | ratio |"
    assert [row.split("`")[1] for row in rows] == list(ALGORITHMS)


def test_the_ratio_is_to_ten_servers(capsys: pytest.CaptureFixture[str]) -> None:
    main(["round_robin", "--servers", "40", "10", "2", "--rounds", "2"])
    cells = capsys.readouterr().out.splitlines()[-1].strip("| ").split(" | ")
    assert cells[0] == "`round_robin`"
    two, ten, forty, ratio = map(float, cells[1:])
    assert two > 0
    assert abs(ratio - forty / ten) < 0.1
