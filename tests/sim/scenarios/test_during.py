"""What is measured while a fault lasts: from some seconds after its begin to its end."""

import pytest

from tests.sim.checks.support import MS, Play
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios._during import ShareDuring, SlowerDuring, Story, Time


def fault(play: Play) -> None:
    play.tell(10.0, What.INJECT, "server:s1", "slow", 0, "{}")


def heal(play: Play, at: float = 40.0) -> None:
    play.tell(at, What.HEALED, "server:s1", "slow", 0)


def test_a_story_has_four_times() -> None:
    share = ShareDuring("s1", 0.5, after_seconds=5.0)
    play = Play(share)
    story = Story(5.0)
    for what, ear in story.ears.items():
        play.wire.hear(ear, what)
    assert story.at(10.0) is Time.BEFORE
    fault(play)
    assert [story.at(at) for at in (9.9, 10.0, 14.9, 15.0)] == [
        Time.BEFORE,
        Time.SETTLING,
        Time.SETTLING,
        Time.DURING,
    ]
    heal(play)
    assert [story.at(at) for at in (39.9, 40.0)] == [Time.DURING, Time.AFTER]


@pytest.mark.parametrize(("hits", "is_broken"), [(1, False), (2, True)])
def test_a_share_is_that_of_the_picks_in_the_time_in_question(hits: int, is_broken: bool) -> None:
    check = ShareDuring("s1", 0.02, after_seconds=5.0)
    play = Play(check)
    play.lb(9.0, What.SELECT, "s1", "default", 0)
    fault(play)
    play.lb(12.0, What.SELECT, "s1", "default", 0)
    for number in range(100):
        server = "s1" if number < hits else "s2"
        play.lb(15.0 + number / 10, What.SELECT, server, "default", 0)
    heal(play)
    play.lb(41.0, What.SELECT, "s1", "default", 0)
    assert bool(play.end()) is is_broken
    assert check.found == f"{hits}.00%"


def test_a_share_that_is_never_measured_is_an_offence() -> None:
    assert Play(ShareDuring("s1", 0.02, after_seconds=5.0)).end() != []


@pytest.mark.parametrize(("ms", "is_broken"), [(13, False), (14, True)])
def test_latency_is_compared_with_that_before(ms: int, is_broken: bool) -> None:
    check = SlowerDuring(1.3, after_seconds=5.0)
    play = Play(check)
    for number in range(100):
        play.tell(number / 20, What.DONE, "web", 1, 1, 10 * MS, "", req=1)
    fault(play)
    play.tell(12.0, What.DONE, "web", 1, 1, 900 * MS, "", req=1)
    play.tell(15.1, What.DONE, "web", 0, 1, 900 * MS, "503", req=1)
    play.tell(15.2, What.DONE, "web", 1, 1, 900 * MS, "", req=1)  # It was wanted before second 15.
    for number in range(100):
        play.tell(16.0 + number / 20, What.DONE, "web", 1, 1, ms * MS, "", req=1)
    heal(play)
    play.tell(42.0, What.DONE, "web", 1, 1, 900 * MS, "", req=1)
    assert bool(play.end()) is is_broken
    assert check.found == f"{ms / 10:.2f} times"
