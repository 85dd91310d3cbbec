"""Algorithms that are not ours: a callable, or an object with ``select``.

Such code is asked, never trusted. What it returns must be one of the candidates it was
shown; a stranger, None or an exception is a *fault*. A fault costs the algorithm this pick,
which goes by turns instead, and nothing else: no request fails, no other pool hears of it.

An algorithm that finds nobody fit says so by raising ``NoServerAvailable``: the request is
then answered as if the pool were empty.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Protocol

import attrs

from trio_lb.model.errors import ConfigError, NoServerAvailable
from trio_lb.model.rng import Rng
from trio_lb.policy.balance.base import C, Candidate, Context
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.rotation import RoundRobin

Select = Callable[[Sequence[Any], Context], Any]
"""``(candidates, context) -> candidate``: plain, not async; it decides, it does not wait."""


class Algorithm(Protocol):
    """The object form. ``record_metrics(server, metrics)`` beside ``select`` is optional."""

    def select(self, candidates: Sequence[Any], context: Context) -> Any:
        """Return one of ``candidates``, which are all usable and at least one."""
        ...


@attrs.frozen(slots=True)
class Metrics:
    """What ``record_metrics`` is told when a request at a server has started or ended."""

    active_connections: int


class Custom(Indifferent):
    """Asks somebody else's algorithm.

    ``faults`` counts what it did wrong, ``last_fault`` says what. ``on_fault(text)`` may be
    assigned: it is called at the 1st, 2nd, 4th, 8th ... fault, since a broken algorithm
    would otherwise fill a log with one line a request.
    """

    def __init__(self, algorithm: object, name: str | None = None) -> None:
        """Take a callable, an object with ``select``, or a class of either.

        Raises:
          ConfigError: it is none of these, it is async, or the class cannot be called.
        """
        self.name = name or _name_of(algorithm)
        if isinstance(algorithm, type):
            algorithm = _instance(algorithm, self.name)
        self.faults = 0
        self.last_fault = ""
        self.on_fault: Callable[[str], None] = _ignore
        self._select = _select_of(algorithm, self.name)
        self._record = getattr(algorithm, "record_metrics", None)
        self.tracks = callable(self._record)
        self._turns = RoundRobin()
        self._seen: Sequence[Candidate] = ()
        self._known: frozenset[int] = frozenset()

    def order(self, candidates: Sequence[C], context: Context, rng: Rng) -> Iterator[C]:
        """Yield what the algorithm picks; for a further choice it sees only those left."""
        left = candidates
        while left:
            try:
                picked = self._ask(left, context, rng)
            except NoServerAvailable:
                return
            yield picked
            left = tuple(each for each in left if each is not picked)

    def _ask(self, candidates: Sequence[C], context: Context, rng: Rng) -> C:
        """Return its pick, or the next one in turn where it is at fault.

        Raises:
          NoServerAvailable: it said so.
        """
        try:
            picked = self._select(candidates, context)
        except NoServerAvailable:
            raise
        except Exception as error:
            self._fault(f"select raised {error!r}")
        else:
            if self._is_known(picked, candidates):
                known: C = picked
                return known
            self._fault(f"select returned {_show(picked)}, which is not one of the candidates")
        return next(self._turns.order(candidates, context, rng))

    def _is_known(self, picked: object, candidates: Sequence[Candidate]) -> bool:
        """Whether it is one of them, the object itself: an equal one holds no lease."""
        if candidates is not self._seen:
            self._known = frozenset(map(id, candidates))
            self._seen = candidates
        return id(picked) in self._known

    def leased(self, candidate: Candidate) -> None:
        """Tell ``record_metrics``."""
        self._tell(candidate)

    def released(self, candidate: Candidate) -> None:
        """Tell ``record_metrics``."""
        self._tell(candidate)

    def _tell(self, candidate: Candidate) -> None:
        if self._record is None:
            return
        try:
            self._record(candidate, Metrics(candidate.active_connections))
        except Exception as error:
            self._fault(f"record_metrics raised {error!r}")

    def _fault(self, what: str) -> None:
        self.faults += 1
        self.last_fault = what
        if self.faults & (self.faults - 1) == 0:
            self.on_fault(f"algorithm {self.name!r}: {what} (fault {self.faults})")


def _name_of(algorithm: object) -> str:
    name = getattr(algorithm, "name", None) or getattr(algorithm, "__name__", None)
    return name if isinstance(name, str) else type(algorithm).__name__


def _instance(cls: type, name: str) -> object:
    """Return an object of its own for each pool: an algorithm may keep a position."""
    try:
        return cls()
    except Exception as error:
        raise ConfigError(f"algorithm: {name!r} cannot be made: {error!r}") from error


def _select_of(algorithm: object, name: str) -> Select:
    select = getattr(algorithm, "select", algorithm)
    if not callable(select):
        raise ConfigError(
            f"algorithm: {name!r} is neither a name, a callable, nor an object with select()"
        )
    if _is_async(select):
        raise ConfigError(f"algorithm: {name!r} is async; a choice is made without waiting")
    chosen: Select = select
    return chosen


def _is_async(function: object) -> bool:
    """Whether calling it would make a coroutine, as far as can be told without a call."""
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & _COROUTINE)


_COROUTINE = 0x80
"""CO_COROUTINE; the module that names it, inspect, takes 10 ms to import."""


def _show(picked: object) -> str:
    if isinstance(picked, Coroutine):
        picked.close()  # nobody will ever await it; unclosed, it would warn
        return "a coroutine"
    return f"{picked!r:.80}"


def _ignore(_: str) -> None:
    """A hook that nobody has taken."""
