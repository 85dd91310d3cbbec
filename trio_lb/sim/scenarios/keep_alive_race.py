"""Servers close idle connections at just the moment at which the next request leaves.

    server:    ... answer |------- idle timeout -------| FIN ->
    balancer:                                        <- request      (they cross)

What must hold: a request that may be repeated is done all the same, its client sees nothing;
one that must not be repeated never takes the risk, and never arrives twice.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from trio_lb.model.outcome import OutcomeKind
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.arrivals import Poisson, Replay
from trio_lb.sim.checks import Check, ErrorRate, Sometimes
from trio_lb.sim.checks.at_most_once import NOT_IDEMPOTENT
from trio_lb.sim.checks.world import World
from trio_lb.sim.distributions import Fixed
from trio_lb.sim.happening import Ear, Happening, What
from trio_lb.sim.limits import POSITIVE
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

UNTIL: Final = 65.0
ROUNDS: Final = 30
LATENCY_SECONDS: Final = 0.010
"""One way. A request that leaves so long before the server's FIN comes meets a closed socket."""
SERVICE_SECONDS: Final = 0.020
USUAL_SECONDS: Final = 2.0
"""The shortest idle timeout that a common server has by default (gunicorn)."""
TOO_SHORT_SECONDS: Final = 0.4
"""One that no bound of a balancer allows for."""


class RepeatableUnharmed(Check):
    """No request that may be repeated fails."""

    name = "repeatable_unharmed"

    def __init__(self) -> None:
        super().__init__()
        self.asked = "requests that crossed a FIN, none of them lost"
        self._crossed = 0
        self._careful: dict[int, None] = {}

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return {What.ARRIVE: self._arrived, What.RETRY: self._retried, What.DONE: self._done}

    def _arrived(self, happening: Happening) -> None:
        if happening.values[0] in NOT_IDEMPOTENT:
            self._careful[happening.req] = None

    def _retried(self, happening: Happening) -> None:
        self._crossed += _is_stale(happening)

    def _done(self, happening: Happening) -> None:
        good, _, _, reason = happening.values
        was_careful = self._careful.pop(happening.req, self) is None
        if not good and not was_careful:
            self.object(happening, f"it may be repeated, and failed: {reason}")

    def finish(self, world: World) -> None:
        """Say how often it was a near thing."""
        self.found = f"{self._crossed}"


def build(setup: Setup) -> Simulation:
    """Ten servers; rounds of requests come in whenever connections are about to be closed."""
    options: Any = setup.options
    keep_alive = float(options["keep_alive"]) if setup.protected else TOO_SHORT_SECONDS
    sim = setup.simulation(latency_seconds=LATENCY_SECONDS)
    names = setup.fleet(
        sim, 10, service=Fixed(SERVICE_SECONDS), keep_alive_seconds=keep_alive, concurrency=32
    )
    setup.balancer(sim, {"algorithm": "round_robin"})
    rounds = Replay(tuple(_rounds(sim, keep_alive, 4 * len(names))))
    sim.clients("rounds", OpenLoop(rounds), policy=ClientPolicy(timeout=10.0, posts=0.5))
    steady = OpenLoop(Poisson(options["rate"] * len(names)))
    sim.clients("steady", steady, policy=ClientPolicy(timeout=10.0, posts=0.5))
    sim.check(
        RepeatableUnharmed(),
        ErrorRate("<=0%"),
        Sometimes("a request crosses a FIN", What.RETRY, when=_is_stale),
        Sometimes("a POST comes on a used connection", What.TAKE, when=_reuse_of_posts()),
    )
    return sim


def _rounds(sim: Simulation, keep_alive: float, size: int) -> list[float]:
    """Return instants: rounds of ``size``, each as long after the last as makes them cross."""
    rng = sim.rng("rounds")
    instants: list[float] = []
    begin = 1.0
    for _ in range(ROUNDS):
        instants += [begin + rng.uniform(0.0, 2 * LATENCY_SECONDS) for _ in range(size)]
        begin += keep_alive + SERVICE_SECONDS + rng.uniform(0.0, 2 * LATENCY_SECONDS)
    return sorted(instants)


def _is_stale(happening: Happening) -> bool:
    return happening.values[3] == OutcomeKind.STALE.value


def _reuse_of_posts() -> Callable[[Happening], bool]:
    used: dict[int, None] = {}

    def is_reuse(happening: Happening) -> bool:
        """Whether it is a POST's, and not the first request of its connection."""
        was_used = happening.conn in used
        used[happening.conn] = None
        return was_used and happening.values[0] in NOT_IDEMPOTENT

    return is_reuse


SCENARIO = Scenario(
    name="keep-alive-race",
    number=11,
    summary="servers close idle connections just as the next request leaves",
    about="bounds on the age of reused connections; a second connection for what may be repeated",
    build=build,
    until=UNTIL,
    settle=5.0,
    options={"rate": 1.0, "keep_alive": USUAL_SECONDS},
    protects_outside=True,
    limits={"rate": POSITIVE, "keep_alive": POSITIVE},
)
