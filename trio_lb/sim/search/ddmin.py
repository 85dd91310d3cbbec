"""Delta debugging: of many things, the few without which it would not fail.

Zeller's and Hildebrandt's ddmin ("Simplifying and Isolating Failure-Inducing Input", 2002):
try the parts alone, then all without one part, with ever smaller parts. It does not find the
smallest set there is, but one from which no single thing can be left out; and if that is small,
the smallest part of it.

Before it comes a bisection, which needs log2(n) runs for each thing that matters and so does
nearly all of the work in most cases: what ddmin then sees is small.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

import attrs

T = TypeVar("T")
Subset: TypeAlias = tuple[int, ...]
"""Places in the list, ascending."""


FEW: Final = 5
"""Of so many things every choice is tried: 30 runs at most, most of which were made anyway."""


class NothingToFind(ValueError):
    """All of it together does not fail, so there is no cause among its parts."""


@attrs.frozen(slots=True)
class Minimum(Generic[T]):
    """What is left. ``runs`` counts the subsets that were tried, the whole one among them.

    ``minimal`` says that leaving out any one thing more makes it pass; False when time was
    up before that was known.
    """

    items: tuple[T, ...]
    runs: int
    minimal: bool


class _Enough(Exception):
    """Nobody wants more runs."""


class _Tried:
    """Knows which subsets fail; asks once for each."""

    def __init__(self, ask: Callable[[Subset], bool], may_go_on: Callable[[], bool]) -> None:
        self._ask = ask
        self._may_go_on = may_go_on
        self._known: dict[Subset, bool] = {}

    @property
    def runs(self) -> int:
        return len(self._known)

    def fails(self, subset: Subset) -> bool:
        if subset not in self._known:
            if not self._may_go_on():
                raise _Enough
            self._known[subset] = self._ask(subset)
        return self._known[subset]


def ddmin(
    items: Sequence[T],
    fails: Callable[[list[T]], bool],
    *,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Minimum[T]:
    """Return a 1-minimal part of ``items``, in their order, for which ``fails`` is true.

    ``fails`` gives the same answer to the same question, and is asked it once. The empty list
    comes first: what fails without any of it needs no search. ``may_go_on`` is asked before
    each run but the first; when it says no, the best so far is the result.

    Raises:
      NothingToFind: all of ``items`` together do not fail.
    """
    whole: Subset = tuple(range(len(items)))
    tried = _Tried(lambda subset: fails([items[place] for place in subset]), may_go_on)
    if not fails(list(items)):
        raise NothingToFind(f"all {len(items)} together do not fail")
    best = whole
    minimal = True
    try:
        for smaller in _by_bisection(whole, tried):
            best = smaller
        for smaller in _by_parts(best, tried):
            best = smaller
        best = _smallest_of_few(best, tried)
    except _Enough:
        minimal = False
    return Minimum(tuple(items[place] for place in best), tried.runs + 1, minimal)


def _by_bisection(whole: Subset, tried: _Tried) -> Iterator[Subset]:
    """Yield subsets that fail, each smaller than the one before.

    The last thing of the shortest beginning that fails is needed; keep it, and go on with what
    stands before it. Where one thing undoes what another does, more is left than needed.
    """
    before: Subset = whole
    kept: Subset = ()
    while before and not tried.fails(kept):
        passes, does_not = 0, len(before)
        while does_not - passes > 1:
            middle = (passes + does_not) // 2
            if tried.fails(before[:middle] + kept):
                does_not = middle
                yield before[:middle] + kept
            else:
                passes = middle
        before, kept = before[: does_not - 1], before[does_not - 1 : does_not] + kept
    yield kept


def _by_parts(current: Subset, tried: _Tried) -> Iterator[Subset]:
    """Yield subsets that fail, each smaller than the one before; the last is 1-minimal."""
    parts = 2
    while len(current) > 1:
        chunks = _split(current, min(parts, len(current)))
        found = next(filter(tried.fails, chunks), None)
        if found is not None:
            current, parts = found, 2
        elif (found := _without_one(current, chunks, tried)) is not None:
            current, parts = found, max(parts - 1, 2)
        elif parts >= len(current):
            return
        else:
            parts *= 2
            continue
        yield current


def _without_one(current: Subset, chunks: list[Subset], tried: _Tried) -> Subset | None:
    """(Of two chunks each is the other's complement: known by now.)"""
    rests = (tuple(place for place in current if place not in chunk) for chunk in chunks)
    return next(filter(tried.fails, rests), None)


def _smallest_of_few(current: Subset, tried: _Tried) -> Subset:
    """Where one thing undoes another, a set may fail of which nothing fails that has one less."""
    if len(current) > FEW:
        return current
    sizes = range(1, len(current) - 1)
    choices = (choice for size in sizes for choice in itertools.combinations(current, size))
    return next(filter(tried.fails, choices), current)


def _split(subset: Subset, parts: int) -> list[Subset]:
    """Cut it into so many chunks, as equal as can be, none of them empty."""
    ends = [len(subset) * number // parts for number in range(parts + 1)]
    return [subset[begin:end] for begin, end in itertools.pairwise(ends)]
