"""The names of a virtual network, and a resolver that can be wrong, slow or silent about them.

what is true: addresses + added - removed  --> what it says: nothing, the truth, or an old one
"""

import attrs

from trio_lb.net.env import ConnectError


class TemporaryFailure(ConnectError):
    """The resolver could not say (SERVFAIL): the name may be known, and asking again may help."""


@attrs.define(slots=True, eq=False)
class Entry:
    """One name. Faults change all but ``addresses``, which is whoever runs the zone's to say.

    ``stale`` is the answer that the resolver keeps to whatever becomes of the truth (None: it
    looks). ``delay_seconds`` passes before any answer.
    """

    addresses: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_unknown: bool = False
    is_failing: bool = False
    delay_seconds: float = 0.0
    stale: tuple[str, ...] | None = None

    def truth(self) -> tuple[str, ...]:
        """Return what a resolver that looks is told; nothing: there is no such name."""
        if self.is_unknown:
            return ()
        known = dict.fromkeys((*self.addresses, *self.added))
        return tuple(address for address in known if address not in self.removed)

    def freeze(self) -> None:
        """Keep to the answer of this instant."""
        self.stale = self.truth()

    def thaw(self) -> None:
        """Look again."""
        self.stale = None


class Names:
    """The names of one world."""

    def __init__(self) -> None:
        self._entries = {"localhost": Entry(("127.0.0.1",))}

    def entry(self, name: str) -> Entry:
        """Return what there is to a name; it need not be known, nor ever become so."""
        return self._entries.setdefault(name, Entry())

    def replace(self, address: str, other: str) -> None:
        """Let all names of an address lead to another one."""
        for entry in self._entries.values():
            entry.addresses = tuple(other if each == address else each for each in entry.addresses)

    def delay_seconds(self, name: str) -> float:
        """Return how long the resolver takes for a name."""
        entry = self._entries.get(name)
        return 0.0 if entry is None else entry.delay_seconds

    def look_up(self, name: str) -> list[str]:
        """Return the literals of a name, at once.

        Raises:
          TemporaryFailure: the resolver cannot say.
          ConnectError: nobody knows it.
        """
        entry = self._entries.get(name)
        if entry is not None and entry.is_failing:
            raise TemporaryFailure(f"{name}: temporary failure in name resolution")
        addresses: tuple[str, ...] = ()
        if entry is not None:
            addresses = entry.truth() if entry.stale is None else entry.stale
        if not addresses:
            raise ConnectError(f"{name}: name is not known")
        return list(addresses)
