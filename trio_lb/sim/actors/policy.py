"""How a client asks: patience, retries, pauses, connections, and what it asks for."""

import math
import random
from typing import Protocol

import attrs

from trio_lb.sim.actors.asking import Habit
from trio_lb.sim.actors.line import Pace
from trio_lb.sim.distributions import Distribution, Fixed


class Backoff(Protocol):
    """How long to wait before a retry."""

    def seconds(self, retry: int, rng: random.Random) -> float:
        """Return the pause before the ``retry``-th retry, from 1."""
        ...


@attrs.frozen(slots=True)
class NoBackoff:
    """Again at once, as impatient clients do."""

    def seconds(self, retry: int, rng: random.Random) -> float:
        """Return 0."""
        return 0.0


@attrs.frozen(slots=True)
class FullJitter:
    """Anything between nothing and an exponentially growing pause (AWS's "full jitter")."""

    base: float = 0.1
    cap: float = 10.0

    def seconds(self, retry: int, rng: random.Random) -> float:
        """Return a pause from [0, base * 2 ** (retry - 1)), at most ``cap``."""
        return float(rng.random() * min(self.cap, self.base * 2.0 ** min(retry - 1, 60)))


@attrs.frozen(slots=True)
class Exponential:
    """A pause that doubles, without chance: clients that failed together come back together."""

    base: float = 0.1
    cap: float = 10.0

    def seconds(self, retry: int, rng: random.Random) -> float:
        """Return base * 2 ** (retry - 1), at most ``cap``."""
        return float(min(self.cap, self.base * 2.0 ** min(retry - 1, 60)))


@attrs.frozen(slots=True)
class ClientPolicy:
    """What kind of client it is. Durations are seconds.

    ``timeout`` is for one try, connecting included; ``retries`` follow a failure (no whole
    answer, or one of ``retry_statuses``) after ``backoff``. A connection carries at most
    ``requests_per_connection``, and is closed after ``idle_seconds``. ``posts`` is the share of
    requests that are POST with a body of ``size`` bytes; ``retries_posts``: they, too, are retried.
    ``pace`` is that of a slow reader; ``habits`` are how it asks unlike others.
    """

    timeout: float = 30.0
    retries: int = 0
    backoff: Backoff = FullJitter()
    retry_statuses: tuple[int, ...] = (502, 503, 504)
    requests_per_connection: int = 100
    idle_seconds: float = 55.0
    posts: float = 0.0
    size: Distribution = Fixed(100)
    retries_posts: bool = False
    host: str = "sim"
    path: str = "/"
    pace: Pace | None = None
    habits: tuple[Habit, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what can't be."""
        if not self.timeout > 0.0:
            raise ValueError(f"a timeout of {self.timeout} s is not above 0 s (math.inf: none)")
        if not 0.0 <= self.posts <= 1.0:
            raise ValueError(f"a share of posts of {self.posts} is not in [0, 1]")
        if self.retries < 0 or self.requests_per_connection < 1:
            raise ValueError("retries are 0 or more, requests_per_connection 1 or more")


PATIENT = ClientPolicy(timeout=math.inf)
"""Waits for ever and asks once."""
