"""A request that kills whatever works on it: each server that takes it dies 5 ms later.

    poison --> s3 dies --> (one retry) --> s4 dies --> 502; both are back 10 s later

What must hold: the balancer carries it to two servers at most and then answers an error, so
that the fleet lives; what died with a server and may be repeated is done elsewhere.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson, Replay
from trio_lb.sim.checks import Check, ComesBack, ErrorRate, Sometimes
from trio_lb.sim.distributions import Uniform
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE, at_least
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

INSTANTS: Final = (20.0, 32.0, 44.0)
"""When somebody asks for what no server survives."""
DOWN_SECONDS: Final = 10.0
AFTER_SECONDS: Final = 0.005
POISONER: Final = "poisoner"


class Poison:
    """Kills each server that takes one of the poisoner's requests; starts it again later.

    It listens and acts by a call of the clock: who hears must not change the world. With the time of
    faults its own is over, too: then nobody dies any more, and whoever is dead comes back.
    """

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._poisoned: dict[int, None] = {}
        self._dead: dict[str, None] = {}
        self._is_over = False
        sim.wire.hear(self._arrived, What.ARRIVE)
        sim.wire.hear(self._taken, What.TAKE)
        sim.wire.hear(self._phase, What.PHASE)

    def _phase(self, happening: Happening) -> None:
        if happening.values[0] == "liveness":
            self._is_over = True
            for name in self._dead:
                self._sim.clock.call_at(happening.at, partial(self._raise, name))

    def _arrived(self, happening: Happening) -> None:
        if happening.entity == POISONER:
            self._poisoned[happening.req] = None

    def _taken(self, happening: Happening) -> None:
        if happening.req in self._poisoned:
            kill = partial(self._kill, happening.entity)
            self._sim.clock.call_at(happening.at + AFTER_SECONDS, kill)

    def _kill(self, name: str) -> None:
        server = self._sim.servers[name]
        if server.listener is not None and not self._is_over:
            server.crash(fin=True)
            self._dead[name] = None
            at = self._sim.clock.current_time() + DOWN_SECONDS
            self._sim.clock.call_at(at, partial(self._raise, name))

    def _raise(self, name: str) -> None:
        if name in self._dead:
            del self._dead[name]
            self._sim.servers[name].restart()


class FewDie(Check):
    """No wish of the poisoner kills more than ``most`` servers, however often it is tried."""

    name = "few_die"

    def __init__(self, most: int = 2) -> None:
        super().__init__()
        self.asked = f"at most {most} servers a request"
        self._most = most
        self._poisoned: dict[int, dict[str, None]] = {}
        self._worst = 0

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ARRIVE: self._arrived, What.TAKE: self._taken}

    def _arrived(self, happening: Happening) -> None:
        if happening.entity == POISONER:
            self._poisoned[happening.req] = {}

    def _taken(self, happening: Happening) -> None:
        victims = self._poisoned.get(happening.req)
        if victims is None or happening.entity in victims:
            return
        victims[happening.entity] = None
        self._worst = max(self._worst, len(victims))
        self.found = str(self._worst)
        if len(victims) > self._most:
            names = ", ".join(victims)
            self.object(happening, f"it killed {names}; allowed are {self._most} servers")


def build(setup: Setup) -> Simulation:
    """Eight servers, and three poisoned requests among the others."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(sim, 8, service=Uniform(0.010, 0.030))
    setup.balancer(
        sim,
        {
            "algorithm": "round_robin",
            "health_check": {"interval": "2s"},
            "retry": {"max_retries": options["retries"] if setup.protected else 10},
        },
    )
    policy = ClientPolicy(timeout=10.0, posts=0.1)
    sim.clients("web", OpenLoop(Poisson(options["rate"] * len(names))), policy=policy)
    sim.clients(POISONER, OpenLoop(Replay(INSTANTS)), policy=ClientPolicy(timeout=10.0))
    Poison(sim)
    sim.check(
        FewDie(),
        ErrorRate("<1%"),
        ComesBack(within=20.0),
        Sometimes("a server dies of a request", What.DROP, when=_is_crash),
    )
    return sim


def _is_crash(happening: Happening) -> bool:
    return happening.values[0] == "crash"


SCENARIO = Scenario(
    name="poison-request",
    number=21,
    summary="a few requests kill each server that takes them",
    about="a single retry: max_retries is 1",
    build=build,
    until=60.0,
    settle=30.0,
    options={"rate": 6.0, "retries": 1},
    limits={"rate": POSITIVE, "retries": at_least(0)},
)
