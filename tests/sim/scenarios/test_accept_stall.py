"""One server accepts nobody any more."""

import pytest

from tests.sim.checks.support import Play
from tests.sim.scenarios.support import broken, run_scenario
from trio_lb.sim.happening import What
from trio_lb.sim.scenarios.accept_stall import PlacesFree, ShareFalls

LIGHT = {"rate": 4.0}


@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_is_turned_away_for_a_server_that_accepts_nobody(seed: int) -> None:
    figures = run_scenario("accept-stall", seed=seed).require().figures()
    assert figures.totals["sheds"] == 0
    assert figures.latency.most < 1.1e9, "one wait for a connection, and an answer elsewhere"


@pytest.mark.parametrize("how", ["reset", "slow"])
def test_however_it_stalls_the_others_serve(how: str) -> None:
    run_scenario("accept-stall", options={"how": how, **LIGHT}).require()


def test_with_a_long_patience_the_waits_for_it_take_every_place() -> None:
    result = run_scenario("accept-stall", protected=False)
    wanted = {"nobody_turned_away", "places_free", "error_rate"}
    assert wanted <= set(broken(result))
    assert result.figures().totals["sheds"] > 300


def test_the_user_s_own_servers_may_stall_too() -> None:
    servers = [{"id": f"b{number}", "address": f"10.7.0.{number}:80"} for number in range(1, 5)]
    result = run_scenario("accept-stall", config={"load_balancer": {"backends": servers}})
    result.require()
    assert result.figures().tally.servers.keys() == {"b1", "b2", "b3", "b4"}


def test_a_place_is_taken_from_a_request_s_begin_to_its_end() -> None:
    play = Play(PlacesFree(2))
    for req in (1, 2):
        play.lb(1.0, What.START, f"id{req}", req=req)
    play.lb(2.0, What.COMPLETE, "s1", "default", 200, 1, 0, req=1)
    play.lb(3.0, What.START, "id3", req=3)
    assert play.said == []
    play.lb(4.0, What.START, "id4", req=4)
    assert play.end() == ["3 requests are at the balancer at once, allowed are 2"]


@pytest.mark.parametrize(
    ("here", "said"), [(1, []), (2, ["2 of 20 tries went there, 10.0%; allowed are 5.0%"])]
)
def test_a_share_is_counted_from_its_begin_to_its_end(here: int, said: list[str]) -> None:
    play = Play(ShareFalls("s1", 0.05, since=1.0, until=2.0))
    play.lb(0.5, What.SELECT, "s1", "default", 0)
    for server in ["s1"] * here + ["s2"] * (20 - here):
        play.lb(1.5, What.SELECT, server, "default", 0)
    play.lb(2.0, What.SELECT, "s1", "default", 0)
    assert play.end() == said
