"""The algorithms by name, as configuration, the command line and REST spell them."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final

from trio_lb.model.errors import ConfigError
from trio_lb.policy.balance.base import Balancer
from trio_lb.policy.balance.chance import Random, WeightedRandom
from trio_lb.policy.balance.load_aware import LeastConnections, PowerOfTwo
from trio_lb.policy.balance.rotation import RoundRobin, WeightedRoundRobin

_FACTORIES: Final[Mapping[str, Callable[[], Balancer]]] = {
    "round_robin": RoundRobin,
    "weighted_round_robin": WeightedRoundRobin,
    "random": Random,
    "weighted_random": WeightedRandom,
    "least_connections": LeastConnections,
    "power_of_two": PowerOfTwo,
}

ALGORITHMS: Final = tuple(_FACTORIES)
"""Every name that ``make_balancer`` knows, aliases left out."""

_ALIASES: Final = {"weighted": "weighted_random"}


def canonical_name(name: str) -> str:
    """Return the name that ALGORITHMS lists for any accepted spelling of it.

    Hyphens and capitals (``least-connections``, ``leastConnections``) make no difference.

    Raises:
      ConfigError: no algorithm is called so; the text names what comes close.
    """
    plain = _snake_case(name)
    plain = _ALIASES.get(plain, plain)
    if plain not in _FACTORIES:
        raise ConfigError(f"algorithm: {name!r} is unknown{_hint(plain)}")
    return plain


def make_balancer(name: str) -> Balancer:
    """Return a new balancer; each pool needs its own, since it holds a position.

    Raises:
      ConfigError: as ``canonical_name``.
    """
    return _FACTORIES[canonical_name(name)]()


def _snake_case(name: str) -> str:
    text = name.strip().replace("-", "_").replace(" ", "_")
    if text.isupper():
        return text.lower()
    humps = ("_" + c.lower() if c.isupper() else c for c in text)
    return "".join(humps).lstrip("_").replace("__", "_")


def _hint(plain: str) -> str:
    close = get_close_matches(plain, [*ALGORITHMS, *_ALIASES], n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(ALGORITHMS)}"
