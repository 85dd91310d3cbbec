"""Jain's index: how even some loads are (Jain, Chiu and Hawe, 1984)."""

from collections.abc import Sequence


def jain_index(values: Sequence[float]) -> float:
    """Return 1 when all are equal, or there is nothing to share; 1/n when one has it all."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0
