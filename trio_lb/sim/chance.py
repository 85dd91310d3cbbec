"""Chance in a simulation: one generator a name, so that no part can move another's draws."""

import hashlib
import random


def derive_rng(seed: int, name: str) -> random.Random:
    """Return the generator that belongs to (seed, name); the same pair gives the same draws.

    BLAKE2b and not ``hash()``, which differs from one process to the next.
    """
    return random.Random(hashlib.blake2b(f"{seed}/{name}".encode()).digest())
