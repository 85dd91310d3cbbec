"""The contract between a pool and a balancing algorithm.

A balancer never asks whether a server is usable: the pool hands it the usable ones
and skips what it cannot take. It returns an iterator, so that retry, hedging and
fail-open need no second entrance: whoever wants another server takes the next one.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol, TypeVar

import attrs

from trio_lb.model.rng import Rng


class Candidate(Protocol):
    """What an algorithm may know of a server."""

    @property
    def id(self) -> str:
        """The server's id, unique in its pool."""
        ...

    @property
    def weight(self) -> int:
        """Its configured weight, >= 1."""
        ...

    @property
    def ramp(self) -> float:
        """The part of its share that it gets now, in (0, 1]: below 1 while it starts slowly.

        Algorithms that honour weights take ``weight * ramp`` for the weight, those that do
        not take ``ramp`` alone; hashes ignore it, since a key must not wander as it grows.
        """
        ...

    @property
    def active_connections(self) -> int:
        """Requests (or tunnels) that it is serving for us now, >= 0."""
        ...


C = TypeVar("C", bound=Candidate)


@attrs.frozen(slots=True)
class Context:
    """What an algorithm may know of the request.

    ``client`` is the client's address. ``key`` is what hashes hash (a session, a header, a
    path); without one they hash the address. ``now`` is the monotonic instant in seconds,
    and is only filled in for a balancer with ``times``.
    """

    client: str = ""
    key: str | None = None
    now: float = 0.0


class BalanceSettings(Protocol):
    """The knobs that some algorithms have; a pool's configuration has them by these names."""

    @property
    def hash_balance_factor(self) -> float | None:
        """How far above the average a hash may load a server, >= 1; None or 0: no bound."""
        ...

    @property
    def response_time_window(self) -> float:
        """For how many seconds ``least_response_time`` remembers a response."""
        ...

    @property
    def response_time_samples(self) -> int:
        """How many responses of a server it remembers, >= 1."""
        ...

    @property
    def ewma_decay(self) -> float:
        """In how many seconds ``peak_ewma`` forgets all but 1/e of what it saw."""
        ...


@attrs.frozen(slots=True, kw_only=True)
class Settings:
    """Settings without a configuration around them."""

    hash_balance_factor: float | None = 1.25
    response_time_window: float = 60.0
    response_time_samples: int = 10
    ewma_decay: float = 10.0


DEFAULT: Final = Settings()
"""HAProxy's advice of 125 %, requirement 002's window, Finagle's decay."""


class Balancer(Protocol):
    """One algorithm with its state, for one pool.

    ``order`` is called once a request with usable servers of the pool in configured order,
    never empty. The same tuple object means the same servers with the same weights and
    ramps: an algorithm may cache what it derives from it by identity, and carries its
    position over by id when the tuple changes. The first item of the iterator is the
    pick; the further ones are other servers, each at most once, for retries. State moves
    when an item is taken, not when the iterator is made.

    ``tracks`` says whether ``leased`` and ``released`` want to be called whenever
    ``active_connections`` of a server has just changed, ``times`` whether ``timed`` wants
    to be called and ``Context.now`` to be filled in; false costs nothing.
    """

    name: str
    tracks: bool
    times: bool

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the candidates in the order in which they should be tried."""
        ...

    def leased(self, candidate: Candidate) -> None:
        """``candidate.active_connections`` has just grown by one."""
        ...

    def released(self, candidate: Candidate) -> None:
        """``candidate.active_connections`` has just shrunk by one."""
        ...

    def timed(self, candidate: Candidate, seconds: float, failed: bool, now: float) -> None:
        """An attempt at ``candidate`` got its answer's head, or failed, after ``seconds``."""
        ...
