"""Ejections keep to their share and to their time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.checks.support import SECOND, Play, servers, world
from trio_lb.config.resilience import OutlierConfig
from trio_lb.sim.checks.ejection import EjectionLasts, EjectionShare, most_ejected
from trio_lb.sim.happening import What


def eject(play: Play, at: float, server: str, length: int = 5) -> None:
    play.lb(at, What.EJECT, server, "default", "5 in a row", length * SECOND)


@pytest.mark.parametrize(
    ("fraction", "count", "most"),
    [(0.5, 4, 2), (0.5, 5, 2), (0.3, 10, 3), (0.1, 3, 1), (0.0, 9, 0), (1.0, 3, 2), (1.0, 1, 0)],
)
def test_so_many_may_be_out(fraction: float, count: int, most: int) -> None:
    assert most_ejected(fraction, count) == most


@given(st.floats(0.001, 1.0), st.integers(2, 1000))
def test_one_may_always_be_out_and_one_stays(fraction: float, count: int) -> None:
    assert 1 <= most_ejected(fraction, count) < count


def test_the_share_is_the_configured_one_and_one_more_is_a_violation() -> None:
    small = world(servers=servers(4), outlier_detection=OutlierConfig(max_ejection_fraction=0.5))
    play = Play(EjectionShare(), small)
    eject(play, 1.0, "s1")
    eject(play, 2.0, "s2")
    assert play.said == []
    eject(play, 3.0, "s3")
    assert play.end() == [
        "3 of 4 servers of default are ejected, allowed are 2 (max_ejection_fraction 0.5)"
    ]
    assert play.instants == [3.0]


def test_who_is_back_or_has_gone_takes_no_place() -> None:
    play = Play(EjectionShare(0.34), world(servers=servers(3)))
    eject(play, 1.0, "s1")
    play.lb(6.0, What.READMIT, "s1", "default")
    eject(play, 6.0, "s2")
    play.lb(7.0, What.DRAIN, "s2", "default")
    eject(play, 8.0, "s3")
    assert play.end() == []


def test_an_ejection_that_ends_at_its_time_is_well() -> None:
    play = Play(EjectionLasts())
    eject(play, 1.0, "s1")
    play.lb(5.5, What.SELECT, "s2", "default", 0)
    play.lb(6.0, What.READMIT, "s1", "default")
    assert play.end() == []


def test_one_that_ends_early_is_a_violation_while_another_serves() -> None:
    play = Play(EjectionLasts())
    eject(play, 1.0, "s1")
    play.lb(1.5, What.SELECT, "s2", "default", 0)
    play.lb(4.0, What.READMIT, "s1", "default")
    assert play.end() == [
        "s1 was ejected until 6.000000 s and is back at 4.000000 s, though s2 was in service"
    ]


def test_better_evidence_or_nobody_else_may_end_it_early() -> None:
    play = Play(EjectionLasts())
    eject(play, 1.0, "s1")
    play.lb(1.5, What.SELECT, "s2", "default", 0)
    play.lb(2.0, What.HEALTH, "s1", "default", 1, "x")
    play.lb(2.0, What.READMIT, "s1", "default")
    eject(play, 3.0, "s1")
    play.lb(4.0, What.HEALTH, "s2", "default", 0, "x")
    play.lb(4.0, What.READMIT, "s1", "default")
    assert play.end() == []


def test_one_that_never_ends_is_seen_when_all_is_quiet() -> None:
    play = Play(EjectionLasts())
    eject(play, 1.0, "s1")
    play.tell(90.0, What.PHASE, "sim", "end")
    assert play.end() == ["s1 of default was ejected until 6.000000 s, and still is"]
    assert play.instants == [90.0]
