"""Algorithms of the program's own: given at the start or later, for any pool, and left again."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.app.balancers import open_lb
from tests.conversations.play import open_play
from tests.support.world import World
from trio_lb.model.errors import ConfigError, NoServerAvailable
from trio_lb.model.events import ConfigRejected, ConfigUpdated
from trio_lb.policy.balance.base import Context
from trio_lb.policy.balance.custom import Metrics
from trio_lb.state.server import Server


def last(candidates: Sequence[Server], context: Context) -> Server:
    """The callable form."""
    return candidates[-1]


class Noting:
    """The object form: takes the last one, and notes what it was shown and told."""

    name = "noting"

    def __init__(self) -> None:
        self.shown: list[list[str]] = []
        self.told: list[tuple[str, int]] = []

    def select(self, candidates: Sequence[Server], context: Context) -> Server:
        self.shown.append([server.id for server in candidates])
        return candidates[-1]

    def record_metrics(self, server: Server, metrics: Metrics) -> None:
        self.told.append((server.id, metrics.active_connections))


async def pass_on(server: Server, request: str) -> str:
    return server.id


@pytest.mark.parametrize("algorithm", [last, Noting(), Noting])
async def test_it_picks_whether_it_is_a_callable_an_object_or_a_class(
    world: World, algorithm: Any
) -> None:
    async with open_lb(world, algorithm=algorithm) as at:
        picks = [at.lb.select_server("me") for _ in range(3)]
        assert [pick and pick.id for pick in picks] == ["s2", "s2", "s2"]
        assert await at.lb.handle_request("me", "this", pass_on) == "s2"
        assert at.lb.config.pools["default"].algorithm is algorithm


async def test_it_is_shown_usable_servers_only_as_they_come_and_go(world: World) -> None:
    algorithm = Noting()
    async with open_lb(world, algorithm=algorithm) as at:
        at.lb.select_server("me")
        at.lb.add_server(id="s3", address="10.0.9.9:3")
        at.lb.update_server("s2", weight=7)
        at.lb.select_server("me")
        at.lb.update_server("s1", disabled=True)
        await at.lb.remove_server("s2")
        at.lb.select_server("me")
        assert algorithm.shown == [["s1", "s2"], ["s1", "s2", "s3"], ["s3"]]


async def test_it_is_told_when_a_request_begins_and_ends_at_a_server(world: World) -> None:
    algorithm = Noting()
    s1, s2 = await world.http_server("s1"), await world.http_server("s2")
    async with open_play(world, s1, s2, algorithm=algorithm) as play:
        assert (await play.ask()).body == b"s2"
        await play.settle()
        assert algorithm.told == [("s2", 1), ("s2", 0)]
        with play.server("s1").lease(), play.server("s1").lease():
            pass
        assert algorithm.told[2:] == [("s1", 1), ("s1", 2), ("s1", 1), ("s1", 0)]


async def test_it_comes_and_goes_while_the_balancer_runs(world: World) -> None:
    algorithm = Noting()
    async with open_lb(world) as at:
        at.lb.update_config(algorithm=algorithm)
        assert at.lb.select_server("me") is at.lb.get_server("s2")
        at.lb.update_config(max_retries=5)
        assert at.lb.select_server("me") is at.lb.get_server("s2"), "other settings leave it"
        at.lb.update_config(algorithm="round-robin")
        picks = {at.lb.select_server("me") for _ in range(2)}
        assert picks == set(at.lb.servers())
        assert len(algorithm.shown) == 2
        assert len(at.told(ConfigUpdated)) == 3


async def test_each_pool_may_have_one_and_a_class_makes_one_for_each(world: World) -> None:
    made: list[Noting] = []

    class Mine(Noting):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    pools = {"api": {"servers": ["10.0.9.9:8", "10.0.9.9:9"], "algorithm": Mine}}
    async with open_lb(world, algorithm=Mine, pools=pools) as at:
        at.lb.select_server("me")
        at.lb.pool("api").add_server(address="10.0.9.9:10")
        picked = at.lb.select_server("me", pool="api")
        assert picked is not None
        assert picked.id == "10.0.9.9:10"
        assert sorted(len(each.shown[0]) for each in made if each.shown) == [2, 3]


@pytest.mark.parametrize("algorithm", [42, object(), "nonsense"])
async def test_what_is_no_algorithm_is_refused_and_changes_nothing(
    world: World, algorithm: Any
) -> None:
    async with open_lb(world) as at:
        before = at.lb.config
        with pytest.raises(ConfigError, match="algorithm"):
            at.lb.update_config(algorithm=algorithm)
        assert at.lb.config is before
        assert [type(each) for each in at.news] == [ConfigRejected]


async def test_an_async_one_is_refused_since_a_choice_never_waits(world: World) -> None:
    async def slow(candidates: Sequence[Server], context: Context) -> Server:
        return candidates[0]

    async with open_lb(world) as at:
        with pytest.raises(ConfigError, match="async"):
            at.lb.update_config(algorithm=slow)
        assert at.lb.statistics().server_stats[0].requests == 0
        assert at.lb.pool().statistics().algorithm == "round_robin"


async def test_one_that_raises_or_answers_nonsense_costs_no_request(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(candidates: Sequence[Server], context: Context) -> Any:
        raise ZeroDivisionError("the program's own")

    async with open_lb(world, algorithm=broken) as at:
        assert await at.lb.handle_request("me", "this", pass_on) == "s1"
        at.lb.update_config(algorithm=lambda candidates, context: "s1")
        assert await at.lb.handle_request("me", "this", pass_on) == "s1"
        told = [each.getMessage() for each in caplog.records]
        assert len(told) == 2
        assert "select raised ZeroDivisionError" in told[0]
        assert "which is not one of the candidates" in told[1]


async def test_one_that_finds_nobody_fit_leaves_the_pool_empty(world: World) -> None:
    def nobody(candidates: Sequence[Server], context: Context) -> Any:
        raise NoServerAvailable("none is near")

    async with open_lb(world, algorithm=nobody) as at:
        assert at.lb.select_server("me") is None
        with pytest.raises(NoServerAvailable, match="no healthy server"):
            await at.lb.handle_request("me", "this", pass_on)
