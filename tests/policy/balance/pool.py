"""A pool small enough to count on: servers with a weight, and picks from a balancer."""

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random

import attrs
from hypothesis import strategies as st

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import Balancer, Context

CONTEXT = Context()


@attrs.define(slots=True, eq=False)
class Member:
    """A server as an algorithm sees it."""

    id: str
    weight: int = 1
    active_connections: int = 0
    ramp: float = 1.0


def pool_of(weights: Sequence[int] | str) -> tuple[Member, ...]:
    """Make servers ``a``, ``b``, ... of these weights, or one of weight 1 for each letter."""
    if isinstance(weights, str):
        return tuple(Member(letter) for letter in weights)
    return tuple(Member(chr(ord("a") + i), weight) for i, weight in enumerate(weights))


def pick(balancer: Balancer, pool: Sequence[Member], rng: Rng | None = None) -> Member:
    """Take the first choice only, as a request does that meets no failure."""
    return next(balancer.order(pool, CONTEXT, rng or Random(1)))


def picks(balancer: Balancer, pool: Sequence[Member], count: int, rng: Rng | None = None) -> str:
    """Return the ids of ``count`` requests in a row as one word."""
    rng = rng or Random(1)
    return "".join(pick(balancer, pool, rng).id for _ in range(count))


def whole_order(balancer: Balancer, pool: Sequence[Member], rng: Rng | None = None) -> str:
    """Return everybody, in the order in which one request would try them."""
    return "".join(m.id for m in balancer.order(pool, CONTEXT, rng or Random(1)))


def shares(ids: Iterable[str]) -> dict[str, int]:
    """Count how often each id was picked."""
    return dict(Counter(ids))


def weights(most: int = 12, size: int = 8) -> st.SearchStrategy[list[int]]:
    """Weights of one to ``size`` servers."""
    return st.lists(st.integers(1, most), min_size=1, max_size=size)


def busy_pools(size: int = 40) -> st.SearchStrategy[tuple[Member, ...]]:
    """Pools with any weights and any connections at work."""
    pairs = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=size)
    return pairs.map(lambda ps: tuple(Member(f"s{i}", w, n) for i, (w, n) in enumerate(ps)))
