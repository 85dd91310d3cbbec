"""A fleet on an ordinary day, without a fault of its own: the ground for drawn faults.

``trio-lb simulate fleet --swarm --seeds 1000`` lets a swarm of faults loose on it. A law is
judged only where it applies, so the fleet has something of everything: two pools that balance
and protect themselves in unlike ways, servers of unlike weight, idle timeouts shorter than the
balancer's own, small answers and large ones, whole and in chunks, bursts, uploads, some of them
slow and some too large, WebSockets that come and go and others that stay.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from trio_lb.model.address import Address
from trio_lb.sim.actors.asking import SlowBody
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.server import Streaming
from trio_lb.sim.actors.websocket import WebSocketPolicy
from trio_lb.sim.arrivals import Arrivals, Bursts, Poisson
from trio_lb.sim.checks import ComesBack, ErrorRate, Fair
from trio_lb.sim.distributions import Choice, Fixed, Lognormal, Uniform
from trio_lb.sim.limits import POSITIVE, at_least
from trio_lb.sim.scenario import Scenario, Setup
from trio_lb.sim.simulation import Simulation

SECOND_PORT: Final = 81
"""Where the second pool's listener is."""
READY_SECONDS: Final = 1.0
"""Clients come when servers have been asked how they are: before, nobody would be sent to one."""

CONFIG: Final[Mapping[str, object]] = {
    "algorithm": "power_of_two",
    "health_check": {"interval": "2s", "timeout": "1s"},
    "circuit_breaker": {
        "failure_threshold": 3,
        "timeout": "4s",
        "max_timeout": "16s",
        "success_threshold": 2,
    },
    "slow_start": "5s",
    "timeouts": {"connect": "1s", "first_byte": "3s", "idle": "5s", "total": "4s"},
    "retry": {"budget": {"fraction": 0.1, "min_per_second": 0.5}},
    "limits": {"body_size": "64KiB"},
}
"""The first pool: breakers, which are never open for longer than a fault may have consequences.

Some uploads are larger than is allowed.
"""

UPLOADS: Final[Mapping[str, object]] = {
    "algorithm": "weighted_round_robin",
    "circuit_breaker": {"enabled": False},
    "outlier_detection": {"consecutive_failures": 3},
    "slow_start": 0,
}
"""The second: weights, and ejection without breakers."""


@attrs.frozen
class Later:
    """Other arrivals, without those that would come too early."""

    arrivals: Arrivals
    begin: float = READY_SECONDS

    def next_after(self, now: float, rng: random.Random) -> float | None:
        """Return the first one after the begin."""
        return self.arrivals.next_after(max(now, self.begin), rng)

    def expected(self, begin: float, end: float) -> float:
        """Return how many are to be expected in (begin, end]."""
        return self.arrivals.expected(max(begin, self.begin), max(end, self.begin))


def build(setup: Setup) -> Simulation:
    """Two zones, probes each two seconds, some requests that must not be sent twice."""
    options: Any = setup.options
    sim = setup.simulation()
    names = setup.fleet(
        sim,
        options["servers"],
        zones=("a", "b"),
        each=_each,
        service=Lognormal(p50=0.012, p99=0.08),
        concurrency=32,
        queue=128,
        size=Choice(((2, 6), (3_000, 3), (60_000, 1))),
    )
    first, second = _shared_out(names)
    setup.balancer(sim, _config(sim, first, second), zone="a")
    policy = ClientPolicy(timeout=10.0, retries=1, posts=0.2)
    # The rate is for as many servers as were asked for; a user's own may be fewer, or more.
    rate = options["rate"] * len(names) / options["servers"]
    sim.clients("web", OpenLoop(Later(Poisson(rate))), policy=policy, zone="a")
    # Who balances by a configuration of their own has the one listener for all.
    own = bool(second) and setup.config is None
    to = Address(sim.net.host("lb").address, SECOND_PORT) if own else None
    _add_uploads(sim, rate, to)
    sim.zone("far", latency_seconds=0.02)
    _add_slow_uploads(sim, rate)
    _add_talkers(sim, to)
    sim.check(
        ErrorRate("<0.1%", outside_faults=True, aftermath_seconds=20.0),
        ComesBack(slower=10.0),
        Fair(most=2.0, index=0.7),
    )
    return sim


def _each(index: int) -> Mapping[str, Any]:
    """Return what one server in three is: one that answers in chunks and closes soon."""
    if index % 3 != 1:
        return {}
    # Sooner than a balancer would let go of a connection by itself.
    return {"streaming": Streaming(pieces=3, every_seconds=0.004), "keep_alive_seconds": 3.0}


def _shared_out(names: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the servers of the first pool, and half of them all for the second."""
    count = len(names) // 2
    return names[: len(names) - count], names[len(names) - count :]


def _config(sim: Simulation, first: Sequence[str], second: Sequence[str]) -> dict[str, object]:
    config = {**CONFIG, "servers": [_server(sim, name, {}) for name in first]}
    if second:
        more = [{"weight": 1 + 3 * turn, "max_connections": 10} for turn in range(len(second))]
        servers = [_server(sim, *each) for each in zip(second, more, strict=True)]
        config["pools"] = {"uploads": {**UPLOADS, "servers": servers}}
        config["listeners"] = [{"port": 80}, {"port": SECOND_PORT, "pool": "uploads"}]
    return config


def _server(sim: Simulation, name: str, more: Mapping[str, object]) -> dict[str, object]:
    actor = sim.servers[name]
    return {"id": name, "address": str(actor.address), "zone": actor.host.zone, **more}


def _add_uploads(sim: Simulation, rate: float, to: Address | None) -> None:
    """Bursts of requests, most of them with large bodies."""
    policy = ClientPolicy(
        timeout=8.0, posts=0.7, size=Lognormal(p50=2_000, p99=90_000), requests_per_connection=20
    )
    bursts = Bursts(rate / 60, 2 * rate, 6.0, 1.0)
    sim.clients("uploads", OpenLoop(Later(bursts)), policy=policy, zone="b", to=to)


def _add_slow_uploads(sim: Simulation, rate: float) -> None:
    """Some that take a second, byte by byte, so that a request is nearly always under way.

    No longer than ``total`` leaves beside ``first_byte``: body and answer still come within it.
    """
    policy = ClientPolicy(timeout=10.0, posts=1.0, size=Fixed(45), habits=(SlowBody(0.02),))
    sim.clients("mobile", OpenLoop(Later(Poisson(rate / 20))), policy=policy, zone="far")


def _add_talkers(sim: Simulation, to: Address | None) -> None:
    """A few WebSockets of some ten seconds, and some for longer than the run."""
    often, pause = Uniform(0.2, 2.0), Uniform(READY_SECONDS, 2 * READY_SECONDS)
    talks = WebSocketPolicy(every=often, pause=pause, timeout=10.0)
    sim.websockets("talkers", 3, policy=talks, zone="far", to=to)
    sim.websockets("watchers", 3, policy=attrs.evolve(talks, messages=200), zone="far", to=to)


SCENARIO = Scenario(
    name="fleet",
    summary="a fleet in two zones on an ordinary day; for --swarm",
    build=build,
    until=60.0,
    settle=40.0,
    options={"servers": 6, "rate": 30.0},
    limits={"servers": at_least(1), "rate": POSITIVE},
)
