"""Keys for the tables of hashes, and what became of them after a change."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st

from trio_lb.policy.balance.digest import hash64
from trio_lb.policy.balance.hashing import Table

KEYS: Final = tuple(hash64(f"key-{i}") for i in range(6000))
"""The same keys for every test: what a share is of."""


def table_of(kind: type[Table], weights: Mapping[str, int]) -> Table:
    """Make a table that has seen no other weights."""
    table = kind()
    table.adopt(weights)
    return table


def owners(table: Table) -> list[str]:
    """Return who owns each of KEYS."""
    return [table.owner(key) for key in KEYS]


def moved(before: list[str], after: list[str]) -> float:
    """Return the part of the keys that changed hands."""
    return sum(a != b for a, b in zip(before, after, strict=True)) / len(before)


def share_of(server_id: str, found: list[str]) -> float:
    """Return the part of the keys that a server owns."""
    return Counter(found)[server_id] / len(found)


def equals(count: int) -> dict[str, int]:
    """Return so many servers of weight 1."""
    return {f"s{i}": 1 for i in range(count)}


def weighted(size: int = 8, most: int = 12) -> st.SearchStrategy[dict[str, int]]:
    """Servers by id, with their weights."""
    ids = st.sampled_from([f"s{i}" for i in range(size)])
    return st.dictionaries(ids, st.integers(1, most), min_size=1)
