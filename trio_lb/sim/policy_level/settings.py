"""What a run is made of: servers as queues, clients with their patience, and troubles. Frozen values.

A request is as heavy as it is, wherever it goes: its work (seconds at a server of factor 1) comes
from the workload, and a server only multiplies it. So two runs that differ in the balancer alone
serve the same work at the same instants, and what differs is the balancer's doing.
"""

import enum
from typing import Any, Final

import attrs

from trio_lb.config.choices import FLAG, SERVER_ID, WEIGHT
from trio_lb.config.kinds import Choice, Number, show
from trio_lb.config.knobs import (
    SECONDS,
    SECONDS_OR_OFF,
    ListOf,
    count,
    described,
    fits,
    knob,
    maybe,
)
from trio_lb.sim.tagged import must, refuse, rows

FACTOR: Final = Number("a factor", 1e-3, 1e6, span="in [0.001, 1000000]")


@attrs.frozen
class ServerModel:
    """A server as a G/G/c/K queue: ``concurrency`` at once, then ``queue`` that wait, first come first.

    Who finds the queue full is answered 503 at once. ``cancels`` decides metastability: a server
    that does not notice that its client has left works for nobody until it is done.
    ``weight`` and ``max_connections`` are what the balancer's configuration says of it.
    """

    id: str = must(SERVER_ID, "its name in the pool")
    concurrency: int = knob(1, count(), "requests that it serves at one time")
    queue: int | None = knob(None, maybe(count(0)), "requests that may wait; null: any number")
    slow_factor: float = knob(1.0, FACTOR, "how many times longer than its work a request takes")
    cancels: bool = knob(True, FLAG, "whether it stops working for a client that has left")
    weight: int = knob(1, WEIGHT, "its weight in the balancer's configuration")
    max_connections: int | None = knob(
        None, maybe(count()), "requests that the balancer lets in at one time; null: any number"
    )


def fleet(size: int, **model: Any) -> tuple[ServerModel, ...]:
    """Return ``size`` servers alike, ``s1`` to ``s<size>``; ``model`` as in ``ServerModel``."""
    return tuple(ServerModel(f"s{number}", **model) for number in range(1, size + 1))


@attrs.frozen
class Clients:
    """How those who ask behave: open loop, so a slow answer keeps nobody from asking.

    A try that failed, or was left after ``timeout`` seconds, is followed by up to ``retries``
    others through the balancer, each after a wait of full jitter: a draw from zero to
    ``base_delay``, doubled each time, at most ``max_delay``.
    """

    timeout: float | None = knob(None, maybe(SECONDS), "the patience of one try; null: without end")
    retries: int = knob(0, count(0, 100), "tries after the first one")
    base_delay: float = knob(0.1, SECONDS_OR_OFF, "the longest wait before the first retry")
    max_delay: float = knob(10.0, SECONDS_OR_OFF, "no wait is longer")


class TroubleKind(enum.StrEnum):
    """What may befall servers."""

    SLOW = "slow"
    """What begins meanwhile takes ``factor`` times longer."""
    CRASH = "crash"
    """Work in hand is lost (a reset for whoever waits), connections are refused until the end."""
    FAIL = "fail"
    """Every request is answered 500 at once, which makes the server look idle."""


KINDS: Final = Choice("trouble", lambda: tuple(kind.value for kind in TroubleKind))


@attrs.frozen
class Trouble:
    """One kind of trouble from ``at`` until ``until``, for ``servers`` by id; none named: for all."""

    kind: str = must(KINDS, "what befalls them")
    at: float = must(SECONDS_OR_OFF, "when it begins")
    until: float = must(SECONDS_OR_OFF, "when it is over")
    servers: tuple[str, ...] = attrs.field(
        default=(),
        converter=rows,
        validator=fits,
        metadata=described(ListOf(SERVER_ID), "whom it befalls; nobody named: everybody"),
    )
    factor: float = knob(2.0, FACTOR, "of slow: how many times longer")

    def __attrs_post_init__(self) -> None:
        if self.until <= self.at:
            seen, least = show(self.until), show(self.at)
            raise refuse(self, "until", f"{seen} does not come after at, {least}")
