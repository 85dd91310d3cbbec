"""Algorithms that hash a key, so that the same key finds the same server again.

A table says who owns the key's place (``ring``, ``maglev``, ``rendezvous``); it is changed
only when ids or weights change. Slow start is left out on purpose: if a server's arcs grew
for half a minute, each step would move keys that are cold where they arrive.

*Bounded loads* (Mirrokni, Thorup and Zadimoghaddam, 2018): a server takes a key only while it
has fewer than ``factor`` times its share of all requests in flight, this one included; what
is beyond spills over along the table, for each key always in the same order. A popular key
can so never drown its server. The sum of requests in flight is kept as they come and go.

`ip_hash` is without bound. It is chosen for what a server remembers of its clients, and
three requests of one client in a quiet pool would otherwise be sent to three servers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.digest import hash64
from trio_lb.policy.balance.indifferent import Indifferent

_VIEWS_MOST: Final = 8


class Table(Protocol):
    """Places on a circle of 64 bits, and who owns them."""

    def adopt(self, weights: Mapping[str, int]) -> None:
        """Divide the places among these ids by weight; at least one."""
        ...

    def owner(self, point: int) -> str:
        """Return the owner of a place."""
        ...

    def walk(self, point: int) -> Iterator[str]:
        """Yield owners of the places behind it; some may come again, some not at all."""
        ...


class _View:
    """One tuple of candidates as a table sees it, and how busy they are together."""

    def __init__(self, candidates: Sequence[Candidate], table: Table, factor: float) -> None:
        self.candidates = candidates
        self.table = table
        self.places = {each.id: place for place, each in enumerate(candidates)}
        self.weights = {each.id: each.weight for each in candidates}
        self.active = sum(each.active_connections for each in candidates)
        # What a unit of weight may hold for each request that is in flight somewhere.
        self.allowance = factor / sum(self.weights.values())


class HashBalancer(Indifferent):
    """Sends a key to whom a table gives it, or along the table when that server has enough."""

    def __init__(
        self,
        name: str,
        make_table: Callable[[], Table],
        key_of: Callable[[Context], str],
        factor: float | None = None,
    ) -> None:
        self.name = name
        self._make_table = make_table
        self._key_of = key_of
        self._factor = factor or 0.0
        self.tracks = self._factor > 0
        # One for each tier of the pool, the last adopted first: when a request falls back to
        # the second tier and the next one to the first, neither table is made anew.
        self._views: list[_View] = []
        self._view_of: dict[int, _View] = {}

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield the key's server, then others along the table; who has enough comes last."""
        view = self._view(candidates)
        point = hash64(self._key_of(context))
        first = view.places[view.table.owner(point)]
        busy = []
        if self._has_room(view, candidates[first]):
            yield candidates[first]
        else:
            busy.append(candidates[first])
        for place in _along(view, point, first):
            if self._has_room(view, candidates[place]):
                yield candidates[place]
            else:
                busy.append(candidates[place])
        yield from busy

    def _has_room(self, view: _View, candidate: Candidate) -> bool:
        """Whether it may take one more: active + 1 <= ceil(factor * share of all with it)."""
        if not self.tracks:
            return True
        allowed = view.allowance * (view.active + 1) * candidate.weight
        return candidate.active_connections < allowed

    def leased(self, candidate: Candidate) -> None:
        """Count a request in flight."""
        view = self._view_of.get(id(candidate))
        if view is not None:
            view.active += 1

    def released(self, candidate: Candidate) -> None:
        """Count a request that ended."""
        view = self._view_of.get(id(candidate))
        if view is not None:
            view.active -= 1

    # -- when membership or weights change

    def _view(self, candidates: Sequence[Candidate]) -> _View:
        for view in self._views:
            if view.candidates is candidates:
                return view
        return self._adopt(candidates)

    def _adopt(self, candidates: Sequence[Candidate]) -> _View:
        """Make a view; it takes the place, and the table, of one that shares a server with it.

        Tiers share none, so what shares one is the same tier as it was before.
        """
        mine = {id(each) for each in candidates}
        outdated = [v for v in self._views if not mine.isdisjoint(map(id, v.candidates))]
        table = outdated[0].table if outdated else self._make_table()
        view = _View(candidates, table, self._factor)
        if not outdated or outdated[0].weights != view.weights:
            table.adopt(view.weights)
        kept = [v for v in self._views if v not in outdated]
        self._views = [view, *kept][:_VIEWS_MOST]
        self._view_of = {id(each): v for v in self._views for each in v.candidates}
        return view


def _along(view: _View, point: int, first: int) -> Iterator[int]:
    """Yield everybody's place but ``first``, along the table, then those it did not name."""
    count = len(view.candidates)
    if count == 1:
        return
    seen = {first}
    for server_id in view.table.walk(point):
        # A view that has been replaced may meet strangers in the table that it left.
        place = view.places.get(server_id, first)
        if place not in seen:
            seen.add(place)
            yield place
    start = point % count
    for place in (*range(start, count), *range(start)):
        if place not in seen:
            yield place


def by_key(context: Context) -> str:
    """Hash what the request is about; who asks, when nothing says."""
    return context.client if context.key is None else context.key


def by_client(context: Context) -> str:
    """Hash who asks; a caller without an address has its key."""
    return context.client or context.key or ""
