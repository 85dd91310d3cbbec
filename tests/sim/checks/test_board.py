"""The board brings checks what they want; one that crashes is named, and changes nothing."""

from collections.abc import Mapping

import pytest

from tests.sim.checks.support import world
from trio_lb.sim.checks.board import Board
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.coverage import Sometimes
from trio_lb.sim.checks.violation import CheckCrashed, Verdict
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, What, Wire


class Diary(Check):
    """Notes what it is asked to do."""

    name = "diary"

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @property
    def ears(self) -> Mapping[What, Ear]:
        return {What.NOTE: lambda happening: self.lines.append("heard")}

    def begin(self, world: World) -> None:
        self.lines.append("begin")

    def quiet(self, world: World) -> None:
        self.lines.append("quiet")

    def finish(self, world: World) -> None:
        self.lines.append("finish")


def clumsy(happening: Happening) -> str | None:
    raise ZeroDivisionError("by hand")


def test_a_check_is_asked_at_the_beginning_when_all_is_quiet_and_at_the_end() -> None:
    diary, small, wire = Diary(), world(), Wire(lambda: 0.0)
    board = Board([diary])
    board.begin(small, wire)
    wire.tell(What.NOTE, "me")
    wire.tell(What.DONE, "web", 0, 1, 1, 1, 5, "")
    board.quiet(small)
    assert board.finish(small) == [Verdict("diary", True, 0, None)]
    assert diary.lines == ["begin", "heard", "quiet", "finish"]


def test_a_crash_names_the_check_ends_the_judging_and_is_raised_at_the_end() -> None:
    crashes: list[CheckCrashed] = []
    diary, small, wire = Diary(), world(), Wire(lambda: 0.5)
    board = Board([clumsy, diary])
    board.on_crash = crashes.append
    board.begin(small, wire)
    wire.tell(What.NOTE, "me")
    wire.tell(What.NOTE, "me")
    board.quiet(small)
    with pytest.raises(CheckCrashed, match=r"'clumsy' crashed at 0\.500000 s note me") as caught:
        board.finish(small)
    assert crashes == [caught.value]
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert diary.lines == ["begin"]


def test_what_comes_after_the_end_is_neither_heard_nor_judged() -> None:
    diary, small, wire = Diary(), world(), Wire(lambda: 0.5)
    board = Board([diary, clumsy])
    board.begin(small, wire)
    board.end()
    wire.tell(What.NOTE, "me")
    board.quiet(small)
    assert board.finish(small) == board.verdicts
    assert [verdict.ok for verdict in board.verdicts] == [True, True]
    assert diary.lines == ["begin"]


def test_the_first_violation_is_the_earliest_of_all_checks() -> None:
    def late(happening: Happening) -> str | None:
        return "late" if happening.at > 1.0 else None

    def early(happening: Happening) -> str | None:
        return "early"

    now = [0.5]
    small, wire = world(), Wire(lambda: now[0])
    board = Board([late, early])
    assert board.first is None
    board.begin(small, wire)
    wire.tell(What.NOTE, "me")
    now[0] = 2.0
    wire.tell(What.NOTE, "me")
    first = board.first
    assert first is not None
    assert (first.check, first.at) == ("early", 0.5)


def test_a_run_whose_points_were_not_reached_is_vacuous() -> None:
    small, wire = world(), Wire(lambda: 3.0)
    board = Board([Sometimes("noted", What.NOTE), Sometimes("ejected", What.EJECT)])
    board.begin(small, wire)
    wire.tell(What.NOTE, "me")
    assert [(point.name, point.at) for point in board.coverage] == [
        ("noted", 3.0),
        ("ejected", None),
    ]
    assert board.is_vacuous
    wire.tell(What.EJECT, "lb", 0, 0, "s1", "default", "x", 5)
    assert not board.is_vacuous


def test_a_run_that_is_too_short_for_a_check_does_not_reach_it_and_does_not_judge_it() -> None:
    diary, small, wire = Diary(), world(), Wire(lambda: 0.5)
    diary.takes_seconds = 60.0
    board = Board([diary, clumsy], until=59.9)
    board.begin(small, wire)
    board.quiet(small)
    assert [verdict.name for verdict in board.finish(small)] == ["clumsy"]
    assert diary.lines == []
    assert [(point.name, point.at) for point in board.coverage] == [
        ("diary (it takes a run of 60 s)", None)
    ]
    assert board.is_vacuous
    assert not Board([diary, clumsy], until=60.0).is_vacuous
    diary.settle_seconds = 5.0
    hasty = Board([diary, clumsy], until=60.0, settle=4.0)
    assert [point.name for point in hasty.coverage] == ["diary (it takes 5 s to settle)"]
    assert not Board([diary, clumsy], until=60.0, settle=5.0).is_vacuous
