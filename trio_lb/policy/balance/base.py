"""The contract between a pool and a balancing algorithm.

A balancer never asks whether a server is usable: the pool hands it the usable ones
and skips what it cannot take. It returns an iterator, so that retry, hedging and
fail-open need no second entrance: whoever wants another server takes the next one.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

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
    def active_connections(self) -> int:
        """Requests (or tunnels) that it is serving for us now, >= 0."""
        ...


C = TypeVar("C", bound=Candidate)


@attrs.frozen(slots=True)
class Context:
    """What an algorithm may know of the request. ``client`` is the client's address."""

    client: str = ""
    key: str | None = None


class Balancer(Protocol):
    """One algorithm with its state, for one pool.

    ``order`` is called once a request with the pool's usable servers in configured
    order, never empty. The same tuple object means the same servers with the same
    weights: an algorithm may cache what it derives from it by identity, and carries
    its position over by id when the tuple changes. The first item of the iterator
    is the pick; the further ones are other servers, each at most once, for retries.
    State moves when an item is taken, not when the iterator is made.

    ``tracks`` says whether ``leased`` and ``released`` want to be called whenever
    ``active_connections`` of a server has just changed; false costs nothing.
    """

    name: str
    tracks: bool

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the candidates in the order in which they should be tried."""
        ...

    def leased(self, candidate: Candidate) -> None:
        """``candidate.active_connections`` has just grown by one."""
        ...

    def released(self, candidate: Candidate) -> None:
        """``candidate.active_connections`` has just shrunk by one."""
        ...
