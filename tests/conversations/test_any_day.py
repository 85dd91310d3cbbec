"""Any day of a pool: whatever fails and whatever people do, certain things always hold.

A day is drawn: how the pool is set up, and a list of things that happen to it one after
the other while requests go on. Checked at every pick: nobody is sent to a server that a
person, a drain, an ejection or an open breaker keeps out. Checked at the end: the books
balance, events and counts tell the same story, and nothing is left open.
"""

from collections.abc import Sequence
from typing import Any, Final

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations.play import Play, open_play
from tests.support.clock import run_in_virtual_time
from tests.support.leaks import find_leaks
from tests.support.servers import HttpServer, answer_of
from tests.support.stage import VirtualStage
from tests.support.world import open_world
from trio_lb.config.schema import (
    BreakerConfig,
    HealthCheckConfig,
    OutlierConfig,
    RetryConfig,
    ServerConfig,
)
from trio_lb.model.events import (
    RequestCompleted,
    RequestFailed,
    RequestRetried,
    ServerSelected,
)
from trio_lb.policy.balance.registry import ALGORITHMS
from trio_lb.policy.breaker import BreakerState
from trio_lb.sim.link import Connects
from trio_lb.sim.network import VirtualNetwork

NAMES: Final = ("s1", "s2", "s3")
HAPPENINGS: Final = (
    "ask", "ask", "ask", "crowd", "pause", "sleep", "fail", "recover", "refuse", "silence", "pass",
    "drop", "slow", "quick", "drain", "resume", "disable", "enable", "weigh", "open", "close",
    "reset", "condemn", "praise", "forget", "switch", "leave", "return",
)  # fmt: skip

Happening = tuple[str, str]
DAYS = st.lists(
    st.tuples(st.sampled_from(HAPPENINGS), st.sampled_from(NAMES)), min_size=5, max_size=25
)
POOLS = st.fixed_dictionaries(
    {
        "algorithm": st.sampled_from(sorted(ALGORITHMS)),
        "health_check": st.sampled_from(
            [
                HealthCheckConfig(enabled=False),
                HealthCheckConfig(interval=2.0, fast_interval=0.5, timeout=1.0),
            ]
        ),
        "outlier": st.sampled_from(
            [OutlierConfig(enabled=False), OutlierConfig(consecutive_failures=2)]
        ),
        "retry": st.sampled_from([RetryConfig(max_retries=0), RetryConfig(max_retries=3)]),
        "pool": st.fixed_dictionaries(
            {
                "circuit_breaker": st.sampled_from(
                    [
                        BreakerConfig(enabled=False),
                        BreakerConfig(failure_threshold=2, timeout=3.0, success_threshold=1),
                    ]
                ),
                "slow_start": st.sampled_from([0.0, 5.0]),
                "fail_open": st.sampled_from(["auto", "true", "false"]),
            }
        ),
    }
)
SERVERS = st.tuples(
    *(
        st.fixed_dictionaries(
            {
                "max_connections": st.sampled_from([None, 1, 3]),
                "backup": st.booleans(),
                "priority": st.integers(0, 1),
                "zone": st.sampled_from([None, "a", "b"]),
                "weight": st.integers(1, 3),
            }
        )
        for _ in NAMES
    )
)


class Day:
    """What happens in one play, and what is watched meanwhile."""

    def __init__(self, play: Play, servers: Sequence[HttpServer]) -> None:
        self.play = play
        self.servers = {server.name: server for server in servers}
        self.away: dict[str, ServerConfig] = {}
        self.wrong: list[str] = []
        play.lb.on(ServerSelected, self._look)

    def _look(self, event: Any) -> None:
        server = event.server
        breaker = server.breaker
        reasons = {
            "disabled": server.disabled,
            "draining": not server.drain.is_active,
            "ejected": server.is_ejected,
            "open": breaker is not None and breaker.state is BreakerState.OPEN,
            "full": server.active_connections >= server.capacity,
            "gone": server.id
            not in {one.id for one in self.play.lb.config.pools["default"].servers},
        }
        self.wrong += [f"{server.id} was picked though {why}" for why, so in reasons.items() if so]

    async def live(self, happenings: Sequence[Happening]) -> None:
        async with trio.open_nursery() as nursery:
            for what, name in happenings:
                await getattr(self, f"_{what}")(name, nursery)
                await self.play.settle()

    async def _ask(self, name: str, nursery: trio.Nursery) -> None:
        nursery.start_soon(self.play.ask)

    async def _crowd(self, name: str, nursery: trio.Nursery) -> None:
        for _ in range(6):
            nursery.start_soon(self.play.ask)

    async def _pause(self, name: str, nursery: trio.Nursery) -> None:
        await trio.sleep(0.3)

    async def _sleep(self, name: str, nursery: trio.Nursery) -> None:
        await trio.sleep(6.0)

    async def _fail(self, name: str, nursery: trio.Nursery) -> None:
        self.servers[name].answer = lambda request: answer_of(500)

    async def _drop(self, name: str, nursery: trio.Nursery) -> None:
        self.servers[name].answer = lambda request: b""

    async def _recover(self, name: str, nursery: trio.Nursery) -> None:
        self.servers[name].answer = lambda request: answer_of(200)

    async def _slow(self, name: str, nursery: trio.Nursery) -> None:
        self.servers[name].think_seconds = 2.0

    async def _quick(self, name: str, nursery: trio.Nursery) -> None:
        self.servers[name].think_seconds = 0.0

    async def _refuse(self, name: str, nursery: trio.Nursery) -> None:
        self.play.world.link(name).connects = Connects.REFUSE

    async def _silence(self, name: str, nursery: trio.Nursery) -> None:
        self.play.world.link(name).connects = Connects.BLACKHOLE

    async def _pass(self, name: str, nursery: trio.Nursery) -> None:
        self.play.world.link(name).connects = Connects.PASS

    async def _drain(self, name: str, nursery: trio.Nursery) -> None:
        if name not in self.away:
            nursery.start_soon(self._drained, name)

    async def _drained(self, name: str) -> None:
        with trio.move_on_after(20.0):
            await self.play.lb.drain(name, deadline_seconds=5.0)

    async def _resume(self, name: str, nursery: trio.Nursery) -> None:
        if name not in self.away:
            self.play.lb.pool().resume(name)

    async def _disable(self, name: str, nursery: trio.Nursery) -> None:
        self._update(name, disabled=True)

    async def _enable(self, name: str, nursery: trio.Nursery) -> None:
        self._update(name, disabled=False)

    async def _weigh(self, name: str, nursery: trio.Nursery) -> None:
        self._update(name, weight=5, max_connections=2)

    def _update(self, name: str, **given: object) -> None:
        if name not in self.away:
            self.play.lb.update_server(name, **given)

    async def _open(self, name: str, nursery: trio.Nursery) -> None:
        if name not in self.away:
            self.play.lb.breaker(name).open()

    async def _close(self, name: str, nursery: trio.Nursery) -> None:
        if name not in self.away:
            self.play.lb.breaker(name).close()

    async def _reset(self, name: str, nursery: trio.Nursery) -> None:
        if name not in self.away:
            self.play.lb.breaker(name).reset()

    async def _condemn(self, name: str, nursery: trio.Nursery) -> None:
        self._say(name, False)

    async def _praise(self, name: str, nursery: trio.Nursery) -> None:
        self._say(name, True)

    async def _forget(self, name: str, nursery: trio.Nursery) -> None:
        self._say(name, None)

    def _say(self, name: str, healthy: bool | None) -> None:
        if name not in self.away:
            self.play.lb.health.set(name, healthy=healthy)

    async def _switch(self, name: str, nursery: trio.Nursery) -> None:
        at = len(self.play.news) % len(ALGORITHMS)
        self.play.lb.update_config(algorithm=sorted(ALGORITHMS)[at])

    async def _leave(self, name: str, nursery: trio.Nursery) -> None:
        if name not in self.away:
            members = self.play.lb.config.pools["default"].servers
            (self.away[name],) = [one for one in members if one.id == name]
            remove = self.play.lb.remove_server
            nursery.start_soon(lambda: remove(name, deadline_seconds=3.0))

    async def _return(self, name: str, nursery: trio.Nursery) -> None:
        config = self.away.pop(name, None)
        if config is not None:
            self.play.lb.add_server(id=name, address=str(config.address), weight=config.weight)


@settings(max_examples=60)
@given(POOLS, SERVERS, DAYS)
def test_whatever_happens_nobody_is_picked_who_is_out_and_the_books_balance(
    pool: dict[str, Any], owns: tuple[dict[str, Any], ...], happenings: list[Happening]
) -> None:
    async def main() -> None:
        net = VirtualNetwork()
        async with open_world(VirtualStage(net)) as world:
            made = [await world.http_server(name) for name in NAMES]
            servers = [
                ServerConfig(id=one.name, address=one.address, **own)
                for one, own in zip(made, owns, strict=True)
            ]
            async with open_play(world, *servers, **pool) as play:
                day = Day(play, made)
                await day.live(happenings)
                assert day.wrong == []
                await trio.sleep(1.0)
                check_story(play)
        assert await find_leaks(net) == []

    run_in_virtual_time(main)


def check_story(play: Play) -> None:
    """Events, records and counts agree; servers that left took their counts with them."""
    counts = play.lb.statistics()
    ended = len(play.told(RequestCompleted)) + len(play.told(RequestFailed))
    assert counts.total_requests == ended == len(play.records())
    attempts = sum(record.attempts for record in play.records())
    assert attempts == len(play.told(ServerSelected))
    assert len(play.told(RequestRetried)) >= attempts - sum(
        record.attempts > 0 for record in play.records()
    )
    assert {one.active_connections for one in play.lb.servers()} <= {0}
    for server in play.lb.servers():
        assert server.requests >= server.failures >= 0
