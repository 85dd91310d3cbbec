"""A failure that outlives its cause: ten servers of 100 requests a second, 700 a second asked.

For twenty seconds the servers are half as fast. Queues grow beyond what clients wait for, and the
servers, who do not notice that a client has left, work for nobody. What happens when they are
fast again is decided by who asks again:

    no retries       700/s against 1,000/s: the queues run dry, in a quarter of a minute
    three retries    2,800/s against 1,000/s: every answer comes too late, for ever
    a retry budget   843/s at most: dry as well, in less than a minute
    shed             nobody waits longer than a client does: dry at once

After Bronson and others, "Metastable Failures in Distributed Systems" (HotOS 2021).
"""

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.distributions import Exponential
from trio_lb.sim.policy_level.policy_run import PolicyRun
from trio_lb.sim.policy_level.result import Result
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble, TroubleKind, fleet
from trio_lb.sim.policy_level.workload import draw_workload

OFFERED: Final = 700.0
TRIGGER_AT: Final = 10.0
TRIGGER_UNTIL: Final = 30.0
PATIENCE_SECONDS: Final = 1.0
RETRIES: Final = 3
QUEUE: Final = 25
"""At half speed the last of the queue waits for half a second."""


class Protection(enum.StrEnum):
    """Who asks again, and what is done about it."""

    NO_RETRIES = "nobody asks again"
    CLIENT_RETRIES = "three retries of each client"
    BALANCER_RETRIES = "three retries of the balancer, without a budget"
    BUDGET = "three retries of the balancer, with its retry budget"
    SHEDDING = "three retries of each client, servers with a short queue"
    LIMITS = "three retries of each client, max_connections in the balancer"


@attrs.frozen
class _Setup:
    """What differs from one protection to the next."""

    clients: Clients = Clients(timeout=PATIENCE_SECONDS)
    settings: Mapping[str, object] = attrs.field(factory=dict)
    servers: Mapping[str, object] = attrs.field(factory=dict)


_ASK_AGAIN: Final = Clients(timeout=PATIENCE_SECONDS, retries=RETRIES)
_PATIENT: Final = Clients()
_BY_BALANCER: Final = {"first_byte": PATIENCE_SECONDS}

_SETUPS: Final[Mapping[Protection, _Setup]] = {
    Protection.NO_RETRIES: _Setup(),
    Protection.CLIENT_RETRIES: _Setup(_ASK_AGAIN),
    Protection.BALANCER_RETRIES: _Setup(
        _PATIENT,
        {"timeouts": _BY_BALANCER, "retry": {"max_retries": RETRIES, "budget": False}},
    ),
    Protection.BUDGET: _Setup(
        _PATIENT, {"timeouts": _BY_BALANCER, "retry": {"max_retries": RETRIES}}
    ),
    Protection.SHEDDING: _Setup(_ASK_AGAIN, {}, {"queue": QUEUE}),
    Protection.LIMITS: _Setup(_ASK_AGAIN, {}, {"max_connections": QUEUE}),
}


def metastable_servers(**more: object) -> tuple[ServerModel, ...]:
    """Return ten servers, one request at a time each, that do not notice who has left."""
    return fleet(10, cancels=False, **more)


def metastable_run(
    protection: Protection, *, seed: int = 7, until: float = 200.0, passive_health: bool = False
) -> Result:
    """Play the failure; ``Result.series()`` is what a plot shows.

    ``passive_health`` turns on outlier detection, which is on in a pool by default; it is off
    here, so that what is seen is the protection's doing alone.
    """
    setup = _SETUPS[protection]
    trigger = Trouble(TroubleKind.SLOW, TRIGGER_AT, TRIGGER_UNTIL, factor=2.0)
    return PolicyRun(
        {
            "algorithm": "power_of_two",
            "outlier_detection": passive_health,
            **setup.settings,
        },
        servers=metastable_servers(**setup.servers),
        workload=draw_workload(Poisson(OFFERED), Exponential(0.01), until=until, seed=seed),
        clients=setup.clients,
        troubles=[trigger],
        seed=seed,
    ).run()
