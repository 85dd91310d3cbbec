"""Every health check fails at once, while every server still works.

What must hold: the balancer doubts its checks rather than its whole fleet. It fails open,
every server goes on getting its share, and when the pages are right again it believes them.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import trio

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes
from trio_lb.sim.checks.world import World, name_of, pool_config
from trio_lb.sim.distributions import Uniform
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import HealthLies, Wanted, at
from trio_lb.sim.faults.meddle import meddle, put_rule
from trio_lb.sim.faults.overlay import Heal
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE, one_of
from trio_lb.sim.rule import End, Ruling
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation
from trio_lb.sim.stream import VirtualStream

BEGIN: Final = 20.0
LASTS_SECONDS: Final = 30.0
FEWEST: Final = 20
"""Of fewer requests a server no share is compared: it would be chance."""
ZONE: Final = " of zone "
"""What stands before a zone's name in the reason of a fail-open that is for one zone only."""


class EverybodyServes(Check):
    """While fail-open is in force each server gets at least half the share that it had before.

    Fail-open may be for one zone: then the checks of others are believed, and who was good
    elsewhere serves for them. So only servers are compared for which fail-open was told.
    """

    name = "everybody_serves"

    def __init__(self) -> None:
        super().__init__()
        self.asked = "the least share, times what it was before: >=0.5"
        self._open: dict[tuple[str, str], None] = {}
        self._has_failed_open = False
        self._held: dict[str, None] = {}
        self._is_everybody_held = False
        self._before: dict[str, int] = {}
        self._meanwhile: dict[str, int] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            What.TAKE: self._taken,
            What.FAIL_OPEN: self._opened,
            What.FAIL_CLOSED: self._closed,
        }

    def _opened(self, happening: Happening) -> None:
        pool, reason = map(str, happening.values)
        self._open[happening.entity, pool] = None
        self._has_failed_open = True
        config = pool_config(self.world, happening.entity, pool)
        self._is_everybody_held |= not config.servers
        for each in config.servers:
            if ZONE not in reason or f"{ZONE}{each.zone!r} " in reason:
                self._held[name_of(self.world, happening.entity, pool, each.id)] = None

    def _closed(self, happening: Happening) -> None:
        self._open.pop((happening.entity, str(happening.values[0])), None)

    def _taken(self, happening: Happening) -> None:
        if self._open or not self._has_failed_open:
            counts = self._meanwhile if self._open else self._before
            counts[happening.entity] = counts.get(happening.entity, 0) + 1

    def finish(self, world: World) -> None:
        """Compare the shares."""
        before, meanwhile = self._of_held(self._before), self._of_held(self._meanwhile)
        all_before, all_meanwhile = sum(before.values()), sum(meanwhile.values())
        least = math.inf
        for server, count in before.items() if all_meanwhile else ():
            fair = all_meanwhile * count / all_before
            got = meanwhile.get(server, 0)
            if fair < FEWEST:
                continue
            least = min(least, got / fair)
            if got < fair / 2:
                text = f"{got} requests while fail-open was in force; its old share is {fair:.0f}"
                self.object_at(world.clock.current_time(), text, entity=server)
        self.found = f"{least:.2f}" if least < math.inf else ""

    def _of_held(self, counts: Mapping[str, int]) -> dict[str, int]:
        held, everybody = self._held, self._is_everybody_held
        return {name: count for name, count in counts.items() if everybody or name in held}


class NoProbes:
    """A rule of somebody in the middle: probes vanish, all else passes."""

    def judge(self, data: bytes, now: float) -> Ruling:
        """See ``Rule``."""
        return Ruling(b"", end=End.DROP) if b"trio-lb-health/" in data else Ruling(data)


def _lose_probes(end: VirtualStream) -> Heal:
    return put_rule(end.incoming.rules, NoProbes())


async def _cut_probe_path(sim: Simulation, env: SimEnv) -> None:
    await trio.sleep_until(BEGIN)
    heal = meddle([server.host for server in sim.servers.values()], (), _lose_probes)
    await trio.sleep(LASTS_SECONDS)
    heal()


def build(setup: Setup) -> Simulation:
    """Six servers; from second 20 on, for 30 seconds, all probes fail.

    ``how``: "failing", the pages answer 503; or "silence", what is asked there gets lost.
    """
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 6, service=Uniform(0.010, 0.030))
    config: dict[str, object] = {
        "algorithm": "power_of_two",
        "health_check": {"interval": "2s", "timeout": "1s"},
    }
    if not setup.protected:
        config["fail_open"] = False
    setup.balancer(sim, config)
    load = OpenLoop(Poisson(options["rate"] * len(names)))
    sim.clients("web", load, policy=ClientPolicy(timeout=5.0, posts=0.2))
    if options["how"] == "silence":
        sim.host("middle", partial(_cut_probe_path, sim))
    else:
        # Backups too: one that seems good would be believed, and serve for all others.
        lies = [_lie(name, options["how"]) for name in sim.servers]
        sim.faults(*(at(BEGIN, lie) for lie in lies))
    sim.check(
        ErrorRate("<1%"),
        EverybodyServes(),
        ComesBack(within=15.0),
        Sometimes("fail-open is entered", What.FAIL_OPEN),
        Sometimes("fail-open is left", What.FAIL_CLOSED),
    )
    return sim


def _lie(name: str, answer: object) -> Wanted:
    return HealthLies(f"server:{name}", answer=answer, for_=LASTS_SECONDS)


SCENARIO = Scenario(
    name="panic-threshold",
    number=7,
    summary="all health checks fail at once for 30 s, and no server does",
    about="fail-open: checks that all fail together are not believed",
    build=build,
    until=60.0,
    settle=30.0,
    options={"rate": 10.0, "how": "failing"},
    limits={"rate": POSITIVE, "how": one_of("failing", "silence")},
)
