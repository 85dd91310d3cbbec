"""A new version goes out: a tenth of the fleet at a time is drained, restarted, and warmed up.

What must hold: nobody sees it. Not one request fails, not even one that must not be sent
twice; and a server that has just started gets its share little by little, by its slope.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import trio

from trio_lb.policy.slow_start import STEPS
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.server import ColdStart
from trio_lb.sim.arrivals import Steps
from trio_lb.sim.checks import Check, ErrorRate, Sometimes
from trio_lb.sim.checks.standing import Standings
from trio_lb.sim.checks.world import World, name_of, pool_config
from trio_lb.sim.distributions import Uniform
from trio_lb.sim.env import SimEnv
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

WARM_SECONDS: Final = 20.0
"""So long does a process take to get warm, and so long is the slope that it is given."""
WAVES: Final = 10
"""At most: a tenth of the fleet is down at a time."""
DOWN_SECONDS: Final = 2.0
BETWEEN_WAVES_SECONDS: Final = 8.0
DONE: Final = "every server runs the new version"

Key = tuple[str, str, str]
"""A balancer, one of its pools, a server there."""

COMINGS_AND_GOINGS: Final = (
    *(What.HEALTH, What.EJECT, What.READMIT, What.OPEN, What.HALF_OPEN, What.CLOSE),
    *(What.DRAIN, What.RESUME),
)
IN_TURN: Final = ("round_robin", "weighted_round_robin")
BY_CHANCE: Final = ("random", "weighted_random")
UNWEIGHTED: Final = ("round_robin", "random")
SLACK_PICKS: Final = 3.0
"""An algorithm that picks in turn is so many picks from its exact share, and an eighth of it:
whenever somebody's share changes, what is left of everybody's turns is rounded."""


@attrs.define(slots=True)
class Climb:
    """One server's way up: how often it was picked, and how often it should have been."""

    began: float
    seconds: float
    due: float = 0.0
    got: int = 0

    def part(self, now: float) -> float:
        """Return the part of its weight that is its own now: the staircase below the line."""
        step = math.floor((now - self.began) / self.seconds * STEPS + 1e-9)
        return max(1, step) / STEPS


class SlopeHonoured(Check):
    """Who has come back gets its share as slow start says: tenth by tenth of ``seconds``.

    None: of the ``slow_start`` that is configured. Picks are compared with what the shares
    of all who were there at each pick add up to. Only algorithms whose picks follow from
    shares alone are judged: those in turn, and by chance.
    """

    name = "slope_honoured"

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__()
        self.asked = "picks of who climbs, over what is due"
        self.climbs: list[Climb] = []
        self._seconds = seconds
        self._standings = Standings()
        self._out: dict[Key, None] = {}
        self._climbing: dict[Key, Climb] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {
            **self._standings.ears,
            **dict.fromkeys(COMINGS_AND_GOINGS, self._heard),
            What.SELECT: self._selected,
        }

    def begin(self, world: World) -> None:
        """See ``Check``."""
        super().begin(world)
        self._standings.begin(world)

    def _heard(self, happening: Happening) -> None:
        self._standings.ears[happening.what](happening)
        server, pool = str(happening.values[0]), str(happening.values[1])
        key = happening.entity, pool, server
        if not self._standings.of(happening).is_clear:
            self._out[key] = None
            self._climbing.pop(key, None)
        elif key in self._out:
            del self._out[key]
            seconds = self._seconds or pool_config(self.world, happening.entity, pool).slow_start
            if seconds:
                self._climbing[key] = Climb(happening.at, seconds)

    def _selected(self, happening: Happening) -> None:
        if not self._climbing:
            return
        self._reach_the_top(happening)
        balancer, server, pool = (
            happening.entity,
            str(happening.values[0]),
            str(happening.values[1]),
        )
        shares = dict(self._shares(balancer, pool, happening.at))
        whole = math.fsum(shares.values())
        for key, climb in self._climbing.items():
            climb.due += shares.get(key, 0.0) / whole if whole else 0.0
        picked = self._climbing.get((balancer, pool, server))
        if picked is not None:
            picked.got += 1
            if picked.got > picked.due + self._slack(balancer, pool, picked):
                self.object(happening, f"{server} was picked {_picks(picked, happening.at)}")

    def _shares(self, balancer: str, pool: str, now: float) -> Iterator[tuple[Key, float]]:
        """Yield whoever may be picked, each with its share."""
        config = pool_config(self.world, balancer, pool)
        if config.algorithm not in (*IN_TURN, *BY_CHANCE):
            return
        for each in config.servers:
            key = balancer, pool, name_of(self.world, balancer, pool, each.id)
            weight = 1 if config.algorithm in UNWEIGHTED else each.weight
            climb = self._climbing.get(key)
            if key not in self._out:
                yield key, weight * (1.0 if climb is None else climb.part(now))

    def _slack(self, balancer: str, pool: str, climb: Climb) -> float:
        algorithm = pool_config(self.world, balancer, pool).algorithm
        if algorithm in IN_TURN:
            return SLACK_PICKS + climb.due / 8.0
        if algorithm in BY_CHANCE:
            return SLACK_PICKS + 5.0 * math.sqrt(climb.due)
        return math.inf

    def _reach_the_top(self, happening: Happening) -> None:
        for key, climb in list(self._climbing.items()):
            if happening.at >= climb.began + climb.seconds:
                del self._climbing[key]
                self.climbs.append(climb)
                if climb.got < climb.due - self._slack(key[0], key[1], climb):
                    self.object(happening, f"{key[2]} was picked {_picks(climb, happening.at)}")

    def finish(self, world: World) -> None:
        """Say how all climbs together went."""
        due = math.fsum(climb.due for climb in self.climbs)
        got = sum(climb.got for climb in self.climbs)
        self.found = f"{got / due:.2f} in {len(self.climbs)} climbs" if due else ""


def _picks(climb: Climb, now: float) -> str:
    age = min(now - climb.began, climb.seconds)
    return f"{climb.got} times in the {age:.3f} s since it came back, its due is {climb.due:.1f}"


@attrs.frozen
class Deployer:
    """Whoever deploys: asks the balancers for a drain, restarts the process, gives it back.

    Without ``drains`` it just restarts processes, as a script does that knows no balancer.
    """

    sim: Simulation
    drains: bool

    async def run(self, env: SimEnv) -> None:
        """Wait until all are warm, and let wave follow wave."""
        await trio.sleep(2 * WARM_SECONDS)
        names = list(self.sim.servers)
        size = math.ceil(len(names) / WAVES)
        for first in range(0, len(names), size):
            await self._wave(names[first : first + size])
            await trio.sleep(BETWEEN_WAVES_SECONDS)
        self.sim.wire.tell(What.SOMETIMES, "deployer", 0, 0, DONE)

    async def _wave(self, names: Sequence[str]) -> None:
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(self._deploy, name)

    async def _deploy(self, name: str) -> None:
        places = self._places(name) if self.drains else []
        async with trio.open_nursery() as nursery:
            for pool, server_id in places:
                nursery.start_soon(pool.drain, server_id)
        server = self.sim.servers[name]
        server.crash(fin=True)
        await trio.sleep(DOWN_SECONDS)
        server.restart()
        for pool, server_id in places:
            pool.resume(server_id)

    def _places(self, name: str) -> list[tuple[Any, str]]:
        """Return the pools that the server is in, each with the name that it has there."""
        return [
            (balancer.lb.pool(pool), server_id)
            for balancer in self.sim.balancers.values()
            for (pool, server_id), known in balancer.names.items()
            if known == name and balancer.lb is not None
        ]


def build(setup: Setup) -> Simulation:
    """Ten servers; what they answer takes long enough that each restart finds some under way."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(
        sim,
        10,
        service=Uniform(0.2, 0.6),
        concurrency=6,
        cold_start=ColdStart(factor=8.0, seconds=WARM_SECONDS),
    )
    setup.balancer(sim, {**CONFIG, "slow_start": WARM_SECONDS if setup.protected else 0})
    # From the moment on at which those that run are warm.
    load = OpenLoop(Steps(((WARM_SECONDS, options["rate"] * len(names)),)))
    sim.clients("web", load, policy=ClientPolicy(timeout=30.0, posts=0.5))
    sim.host("deployer", Deployer(sim, drains=setup.protected).run)
    sim.check(
        ErrorRate("<=0%"),
        SlopeHonoured(WARM_SECONDS if setup.config is None else None),
        Sometimes(DONE),
    )
    return sim


CONFIG: Final = {
    "algorithm": "weighted_round_robin",
    "health_check": {"interval": "2s", "timeout": "1s"},
}

SCENARIO = Scenario(
    name="rolling-deploy",
    number=10,
    summary="each tenth of the fleet is drained, restarted and warmed up in turn",
    about="drains, and slow start",
    build=build,
    until=170.0,
    settle=20.0,
    options={"rate": 3.0},
    protects_outside=True,
    limits={"rate": POSITIVE},
)
