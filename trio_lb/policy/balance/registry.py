"""The algorithms by name, as configuration, the command line and REST spell them.

A name that is not ours may be one that an installed package has entered under
``trio_lb.algorithms``. Packages are only searched for such a name, since that reads the
metadata of everything that is installed.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from trio_lb.model.errors import ConfigError
from trio_lb.policy.balance.base import DEFAULT, Balancer, BalanceSettings
from trio_lb.policy.balance.chance import Random, WeightedRandom
from trio_lb.policy.balance.custom import Algorithm, Custom, Select
from trio_lb.policy.balance.hashing import HashBalancer, Table, by_client, by_key
from trio_lb.policy.balance.least_response_time import LeastResponseTime
from trio_lb.policy.balance.load_aware import LeastConnections, PowerOfTwo
from trio_lb.policy.balance.maglev import Maglev
from trio_lb.policy.balance.peak_ewma import PeakEwma
from trio_lb.policy.balance.rendezvous import Rendezvous
from trio_lb.policy.balance.ring import Ring
from trio_lb.policy.balance.rotation import RoundRobin, WeightedRoundRobin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS: Final = "trio_lb.algorithms"
"""The group in which a package enters its algorithms: callables, classes, or objects."""

_FACTORIES: Final[Mapping[str, Callable[[BalanceSettings], Balancer]]] = {
    "round_robin": lambda _: RoundRobin(),
    "weighted_round_robin": lambda _: WeightedRoundRobin(),
    "random": lambda _: Random(),
    "weighted_random": lambda _: WeightedRandom(),
    "least_connections": lambda _: LeastConnections(),
    "power_of_two": lambda _: PowerOfTwo(),
    "least_response_time": lambda s: LeastResponseTime(
        s.response_time_window, s.response_time_samples
    ),
    "peak_ewma": lambda s: PeakEwma(s.ewma_decay),
    "ip_hash": lambda _: HashBalancer("ip_hash", Rendezvous, by_client),
    "consistent_hash": lambda s: _bounded("consistent_hash", Ring, s),
    "maglev": lambda s: _bounded("maglev", Maglev, s),
    "rendezvous": lambda s: _bounded("rendezvous", Rendezvous, s),
}


def _bounded(name: str, table: Callable[[], Table], settings: BalanceSettings) -> Balancer:
    return HashBalancer(name, table, by_key, settings.hash_balance_factor)


ALGORITHMS: Final = tuple(_FACTORIES)
"""Every name that ``make_balancer`` knows by itself, aliases left out."""

_ALIASES: Final = {"weighted": "weighted_random"}


def canonical_name(name: str) -> str:
    """Return the name that ALGORITHMS lists for any accepted spelling of it.

    Hyphens and capitals (``least-connections``, ``leastConnections``) make no difference.
    The name of an entry point is returned as it is.

    Raises:
      ConfigError: no algorithm is called so; the text names what comes close.
    """
    plain = _snake_case(name)
    plain = _ALIASES.get(plain, plain)
    if plain in _FACTORIES:
        return plain
    if _entry_point(name) is None:
        raise ConfigError(f"algorithm: {name!r} is unknown{_hint(plain)}")
    return name


def make_balancer(
    algorithm: str | Select | Algorithm | type, settings: BalanceSettings = DEFAULT
) -> Balancer:
    """Return a new balancer; each pool needs its own, since it holds a position.

    ``algorithm`` is a name, or code of the caller's: see ``custom``.

    Raises:
      ConfigError: as ``canonical_name`` and ``Custom``; or an entry point cannot be loaded.
    """
    if not isinstance(algorithm, str):
        return Custom(algorithm)
    name = canonical_name(algorithm)
    factory = _FACTORIES.get(name)
    return Custom(_load(name), name) if factory is None else factory(settings)


def _entry_point(name: str) -> "EntryPoint | None":
    from importlib.metadata import entry_points

    return next(iter(entry_points(group=ENTRY_POINTS, name=name)), None)


def _load(name: str) -> object:
    entry = _entry_point(name)
    assert entry is not None, "canonical_name has found it"
    try:
        return entry.load()
    except Exception as error:
        raise ConfigError(
            f"algorithm: {name!r} cannot be loaded from {entry.value!r}: {error!r}"
        ) from error


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
