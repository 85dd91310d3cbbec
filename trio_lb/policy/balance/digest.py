"""Hashes that are the same in every process, on every machine, in every version.

Python's own ``hash`` is salted anew in each process; two balancers in front of the same
caches, or the workers of one, would disagree about every key.
"""

from hashlib import blake2b


def digest(text: str, size: int) -> bytes:
    """Return ``size`` bytes (1-64) that depend on each character of ``text``."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def hash64(text: str) -> int:
    """Return 64 bits as an integer."""
    data = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(data, "big")
