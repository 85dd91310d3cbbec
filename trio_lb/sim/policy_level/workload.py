"""Who asks when, and for how much work: drawn once, so that every candidate serves the same."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Final

import attrs

from trio_lb.policy.balance.base import Context
from trio_lb.sim.arrivals import Arrivals
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.distributions import Distribution, Zipf

_NO_KEY: Final = Context("client")


@attrs.frozen(eq=False)
class Workload:
    """Requests in the order in which they come; seconds each, the work's at a server of factor 1.

    ``keys`` index ``contexts``: what hashing algorithms look at. Without keys all are alike.
    """

    instants: Sequence[float]
    works: Sequence[float]
    until: float
    keys: Sequence[int] | None = None
    contexts: Sequence[Context] = (_NO_KEY,)

    def __len__(self) -> int:
        return len(self.instants)

    def __iter__(self) -> Iterator[tuple[float, float, Context]]:
        """Return instant, work and context of each request, made where no Python code runs."""
        if self.keys is None:
            return zip(self.instants, self.works, repeat(_NO_KEY))
        contexts = map(self.contexts.__getitem__, self.keys)
        return zip(self.instants, self.works, contexts, strict=True)

    @property
    def work_seconds(self) -> float:
        """All work together."""
        return sum(self.works)


def draw_workload(
    arrivals: Arrivals,
    work: Distribution,
    *,
    until: float,
    seed: int,
    most: int | None = None,
    keys: Zipf | None = None,
) -> Workload:
    """Draw what comes in (0, ``until``], at most ``most``; each kind from a stream of its own."""
    instants = array("d", _instants(arrivals, until, seed, most))
    if most and len(instants) == most:
        until = instants[-1]
    rng = derive_rng(seed, "clients.work")
    works = array("d", [work.draw(rng) for _ in instants])
    if keys is None:
        return Workload(instants, works, until)
    rng = derive_rng(seed, "clients.key")
    drawn = array("l", [keys.draw_index(rng) for _ in instants])
    contexts = [Context(f"client-{key}", f"key-{key}") for key in range(keys.count)]
    return Workload(instants, works, until, drawn, contexts)


def _instants(arrivals: Arrivals, until: float, seed: int, most: int | None) -> Iterator[float]:
    rng = derive_rng(seed, "clients.arrivals")
    at = arrivals.next_after(0.0, rng)
    left = most
    while at is not None and at <= until and left != 0:
        yield at
        left = None if left is None else left - 1
        at = arrivals.next_after(at, rng)
