"""Shares of faults in what they change: each heal takes back its own, and nothing else.

    base 1 ms --lay(+100 ms)--> 101 ms --lay(+20 ms)--> 121 ms --heal the first--> 21 ms --> 1 ms

Nothing is ever subtracted: a value is made anew of its base and the shares that are left. So
after the last heal it is what it was, to the last bit, in whatever order heals came.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import attrs

Heal: TypeAlias = Callable[[], object]
"""Ends what a fault did; a second call changes nothing."""

Blend: TypeAlias = Callable[[Any, Sequence[Any]], Any]
"""Makes a value of its base and the shares in force (at least one)."""


@attrs.define(eq=False)
class _Share:
    """A share has an identity: two equal ones are two."""

    value: Any


@attrs.define(eq=False)
class _Layers:
    base: Any
    shares: list[_Share] = attrs.field(factory=list)


class Overlays:
    """All shares that are in force in one world, by the thing and the attribute they change.

    While an attribute has a share it belongs to the faults: who sets it himself meanwhile is
    overruled by the next change of a share, and by the last heal.
    """

    def __init__(self) -> None:
        self._layers: dict[tuple[object, str], _Layers] = {}
        self._holds: dict[tuple[object, str], int] = {}

    def lay(self, owner: object, attribute: str, value: object, blend: Blend) -> Heal:
        """Let ``value`` count in ``owner.attribute`` until it is healed.

        Shares of one attribute are blended in the same way, by whoever lays them.
        """
        key, share = (owner, attribute), _Share(value)
        if key not in self._layers:
            self._layers[key] = _Layers(getattr(owner, attribute))
        layers = self._layers[key]
        layers.shares.append(share)

        def renew() -> None:
            shares = [each.value for each in layers.shares]
            setattr(owner, attribute, blend(layers.base, shares) if shares else layers.base)

        def heal() -> None:
            if share in layers.shares:
                layers.shares.remove(share)
                renew()
            if not layers.shares:
                self._layers.pop(key, None)

        renew()
        return heal

    def hold(
        self,
        owner: object,
        what: str,
        begin: Callable[[], object],
        end: Callable[[], object],
    ) -> Heal:
        """Call ``begin`` if nobody holds this yet, and ``end`` when the last one lets go."""
        key, is_held = (owner, what), True
        if key not in self._holds:
            self._holds[key] = 0
            begin()
        self._holds[key] += 1

        def heal() -> None:
            nonlocal is_held
            if not is_held:
                return
            is_held = False
            self._holds[key] -= 1
            if not self._holds[key]:
                del self._holds[key]
                end()

        return heal

    def is_held(self, owner: object, what: str) -> bool:
        """Whether somebody holds this."""
        return (owner, what) in self._holds

    @property
    def is_clear(self) -> bool:
        """Whether no fault has a share in anything."""
        return not self._layers and not self._holds


def all_of(heals: Sequence[Heal]) -> Heal:
    """Return what heals all of these, in their order."""

    def heal() -> None:
        for each in heals:
            each()

    return heal


def add(base: float, shares: Sequence[float]) -> float:
    """Blend by adding up."""
    return base + sum(shares)


def multiply(base: float, shares: Sequence[float]) -> float:
    """Blend by multiplying."""
    for share in shares:
        base *= share
    return base


def least(base: float | None, shares: Sequence[float]) -> float:
    """Blend by the narrowest; a base of None is no limit."""
    return min(shares) if base is None else min(base, *shares)


def newest(base: object, shares: Sequence[object]) -> object:
    """Blend by who came last."""
    return shares[-1]


def lost_by_any(base: float, shares: Sequence[float]) -> float:
    """Blend chances that do not know each other: what one lets pass, another may still lose."""
    passes = 1.0 - base
    for share in shares:
        passes *= 1.0 - share
    return 1.0 - passes


def join(base: tuple[str, ...], shares: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Blend lists by putting one behind the other."""
    return sum(shares, base)


def worst_of(*ascending: object) -> Blend:
    """Blend by that which stands last in this order."""
    order: Final = list(ascending)

    def blend(base: object, shares: Sequence[object]) -> object:
        return max((base, *shares), key=order.index)

    return blend


def fewest(base: range, shares: Sequence[int]) -> range:
    """Blend numbers of what is left of a choice: the last ones of it are left."""
    return base[max(0, len(base) - min(shares)) :]
