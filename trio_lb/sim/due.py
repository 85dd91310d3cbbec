"""What each server is due: its weight, and with whom it shares, as configurations say.

                     weight   shares with
    first tier       its own  its pool
    later, backups   0        its pool
    disabled         0        its pool

Pools of which one server is in both are one here: which of its requests came for which pool,
the server cannot tell.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from trio_lb.config.schema import Config, PoolConfig, ServerConfig

UNWEIGHED: Final = ("round_robin", "random")
"""Algorithms that give everybody the same, whatever the weights."""

Names = Mapping[tuple[str, str], str]
"""What the simulation calls the server of a pool and an id, where that differs."""


@attrs.frozen
class Due:
    """``weights`` by server, and ``pools``: a number for all who share."""

    weights: Mapping[str, float]
    pools: Mapping[str, int]


def due(plans: Iterable[tuple[Config, Names]]) -> Due:
    """Return what servers are due by these configurations, one of each balancer."""
    weights: dict[str, float] = {}
    groups: list[dict[str, None]] = []
    for plan, names in plans:
        for pool in plan.pools.values():
            found = _weights(pool, names)
            for name, weight in found.items():
                weights[name] = max(weight, weights.get(name, 0.0))
            groups = _joined(groups, dict.fromkeys(found))
    pools = {name: number for number, group in enumerate(groups) for name in group}
    return Due(weights, pools)


def first_tier(pool: PoolConfig) -> list[ServerConfig]:
    """Return those who serve while nothing is wrong."""
    taking = [each for each in pool.servers if not each.disabled]
    first = min(((each.backup, each.priority) for each in taking), default=None)
    return [each for each in taking if (each.backup, each.priority) == first]


def weight_of(server: ServerConfig, pool: PoolConfig) -> float:
    """Return how much a server of the first tier should have, as against the others."""
    return 1.0 if pool.algorithm in UNWEIGHED else float(server.weight)


def _weights(pool: PoolConfig, names: Names) -> dict[str, float]:
    tier = first_tier(pool)
    return {
        names.get((pool.name, each.id), each.id): weight_of(each, pool) if each in tier else 0.0
        for each in pool.servers
    }


def _joined(groups: list[dict[str, None]], new: dict[str, None]) -> list[dict[str, None]]:
    """Return the groups with one more, in which all that share a server with it are merged."""
    apart = [group for group in groups if not group.keys() & new.keys()]
    for group in groups:
        if group.keys() & new.keys():
            new = {**group, **new}
    return [*apart, new] if new else apart
