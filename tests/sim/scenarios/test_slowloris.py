"""Ten thousand clients trickle; here a thousand of them, for speed. The page's run has them all."""

import tracemalloc

import pytest

from tests.sim.checks.support import SECOND, Play
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.actors.line import Pace
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.catalogue import find
from trio_lb.sim.scenarios.slowloris import CutInTime, HeldBounded, Unhurt

FEWER = {"tricklers": 1000, "readers": 20}


@pytest.mark.parametrize("seed", [1, 2])
def test_people_are_served_and_every_trickler_is_cut(seed: int) -> None:
    result = run_scenario("slowloris", seed=seed, options=FEWER).require()
    assert result.figures().errors == {}  # To a trickler the 408 is an answer.
    assert result.figures().tally.statuses["408"] == 1000


def test_without_a_time_for_heads_tricklers_take_every_place() -> None:
    result = run_scenario("slowloris", protected=False, options=FEWER)
    assert broken(result) == ["unhurt", "cut_in_time"]
    assert set(result.figures().errors) == {"timeout", "503"}


def test_a_user_s_own_time_for_heads_is_what_counts() -> None:
    config = {
        "load_balancer": {
            "backends": [{"address": "10.7.0.1:8080"}, {"address": "10.7.0.2:8080"}],
            "timeouts": {"client_head": "3s"},
            "limits": {"max_connections": 5000},
        }
    }
    result = run_scenario("slowloris", config=config, options=FEWER).require()
    (verdict,) = (each for each in result.verdicts if each.name == "cut_in_time")
    assert verdict.found.endswith("cut, the last after 3.002 s")


def test_a_trickler_costs_a_few_kilobytes() -> None:
    def peak_bytes(tricklers: int) -> int:
        options = {"tricklers": tricklers, "readers": 1, "rate": 0.1}
        sim = find("slowloris").simulation(options=options)
        tracemalloc.start()
        try:
            sim.run(until=36.0, tally=False, trace=False)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_bytes(10)  # What is imported and cached is nobody's.
    # Two thirds of them are there at once, with everything that is simulated around them.
    assert (peak_bytes(610) - peak_bytes(10)) / 400 < 40 * 1024


# ---------------------------------------------------------------------- the checks


def _served(before: int, meanwhile: int, good: int = 1) -> list[str]:
    """Let 100 requests take so many seconds before the tricklers come, and 100 after."""
    play = Play(Unhurt("web", since=1000.0, until=3000.0))
    for turn in range(100):
        play.tell(500.0 + turn, What.DONE, "web", 1, 1, before * SECOND, "")
    for turn in range(100):
        play.tell(1500.0 + turn, What.DONE, "web", good, 1, meanwhile * SECOND, "503")
        play.tell(1500.0 + turn, What.DONE, "others", 0, 1, 999 * SECOND, "408")
    play.tell(3500.0, What.DONE, "web", 1, 1, 999 * SECOND, "")
    return play.end()


def test_a_tenth_more_is_borne_and_others_do_not_count() -> None:
    assert _served(before=100, meanwhile=110) == []


def test_more_than_a_tenth_is_objected_to() -> None:
    assert _served(before=100, meanwhile=111) == [
        "web is slower than before 1000 s: 100 of 100 take longer than 110000.000 ms, chance"
        " explains 15: p99 is 111000.000 ms and was 100000.000 ms of 100, allowed are 1.1 times as"
        " much"
    ]


def test_each_failure_is_objected_to() -> None:
    assert _served(100, 100, good=0)[0] == "a request of web failed: 503"


def test_who_trickles_for_longer_than_a_head_has_time_is_objected_to() -> None:
    play = Play(CutInTime("loris", 10.0))
    play.tell(0.0, What.TRY, "loris", 1, "GET", req=1)
    play.tell(0.0, What.TRY, "loris", 1, "GET", req=2)
    play.tell(10.1, What.ANSWER, "loris", 408, 0, 10_100_000_000, "", req=1)
    play.tell(10.2, What.FAIL, "loris", "left", 10_200_000_000, 0, req=2)
    assert play.said == ["it trickled for 10.200 s, allowed are 10.1 s"]


def test_a_trickler_that_comes_through_is_objected_to() -> None:
    play = Play(CutInTime("loris", 10.0))
    play.tell(0.0, What.TRY, "loris", 1, "GET", req=1)
    play.tell(1.0, What.TAKE, "s1", "GET", 0, 0, req=1)
    play.tell(1.0, What.TAKE, "s1", "GET", 0, 0, req=2)
    assert play.said == ["a server has a request that was never whole in time"]


def test_an_answer_that_left_its_server_before_its_reader_can_have_it_lies_somewhere() -> None:
    play = Play(HeldBounded("readers", Pace(1000, 1.0), most_bytes=5000))
    for req in (1, 2):
        play.tell(0.0, What.ARRIVE, "readers", "GET", req=req)
    play.tell(4.0, What.REPLY, "s1", 200, 10_000, 4 * SECOND, req=1)  # 5 of 10 pieces are read.
    play.tell(4.0, What.REPLY, "s1", 200, 10_001, 4 * SECOND, req=2)
    play.tell(4.0, What.REPLY, "s1", 200, 99_999, 4 * SECOND, req=3)
    assert play.said == ["5,001 bytes are under way to a slow reader, allowed are 5,000"]
