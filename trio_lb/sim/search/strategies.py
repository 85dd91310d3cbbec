"""Hypothesis strategies for faults and schedules: values that the table of kinds allows.

Hypothesis is for tests and never loaded by importing this; whoever calls needs it installed.
Use ddmin for *which* faults (a dozen runs) and Hypothesis for *values*.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from trio_lb.config.kinds import Choice, Flag, Kind, Number
from trio_lb.sim.faults.record import Fault, in_order
from trio_lb.sim.faults.shape import Arg, FaultKind, Lasts
from trio_lb.sim.faults.target import Target
from trio_lb.sim.search.targets import Field, kinds_that_hit

if TYPE_CHECKING:
    from hypothesis import settings
    from hypothesis.strategies import SearchStrategy

MOST_FAULTS: Final = 10
DEFAULT_EXAMPLES: Final = 100

SPREAD: Final = 100
"""Numbers without a bound worth the name go up to so many times their default."""

STEP_SECONDS: Final = 0.001
"""Instants are whole milliseconds: who reads a shrunk example wants round numbers."""


def faults(
    field: Field, horizon: float, *, kinds: Sequence[str] | None = None
) -> "SearchStrategy[Fault]":
    """Return a strategy for faults that begin before ``horizon`` seconds and are healed by then.

    ``kinds`` are those to choose among, all that find a target by default.
    It shrinks towards an early, short fault with default arguments.

    Raises:
      ImportError: Hypothesis is not installed.
      ValueError: no kind of fault finds a target, or there is no time for one.
    """
    st = _strategies()
    possible = kinds_that_hit(field, kinds)
    steps = math.floor(horizon / STEP_SECONDS)
    if not possible or steps < 1:
        what = "there is no time for a fault" if possible else "no kind of fault finds a target"
        raise ValueError(f"{what}: {horizon:g} s, kinds {', '.join(kinds or ()) or 'all'}")
    each = [_of_kind(kind, field.targets(kind), steps) for kind in possible]
    strategy: SearchStrategy[Fault] = st.one_of(*each)
    return strategy


def schedules(
    field: Field,
    horizon: float,
    *,
    kinds: Sequence[str] | None = None,
    most_faults: int = MOST_FAULTS,
) -> "SearchStrategy[list[Fault]]":
    """Return a strategy for lists of up to ``most_faults`` faults, by instant.

    Raises:
      ImportError, ValueError: as ``faults`` does.
    """
    one = faults(field, horizon, kinds=kinds)
    several: SearchStrategy[list[Fault]] = _strategies().lists(one, max_size=most_faults)
    return several.map(in_order)


def search_settings(max_examples: int = DEFAULT_EXAMPLES, **more: Any) -> "settings":
    """Return settings for tests that run simulations: no deadline, generate and shrink only.

    A simulation takes as long as it takes, and is the same each time, so that stored examples
    and explanations (which trace each line, and cost five times the run) are not wanted.

    Raises:
      ImportError: Hypothesis is not installed.
    """
    _strategies()
    from hypothesis import HealthCheck, Phase, settings

    wanted: dict[str, Any] = {
        "max_examples": max_examples,
        "deadline": None,
        "database": None,
        "phases": [Phase.generate, Phase.shrink],
        "suppress_health_check": [HealthCheck.too_slow],
    }
    return settings(**(wanted | more))


def _strategies() -> Any:
    try:
        from hypothesis import strategies
    except ImportError as error:
        raise ImportError(
            "trio_lb.sim.search.strategies needs Hypothesis, which is not installed;"
            " install 'hypothesis', or draw faults with trio_lb.sim.search.swarm"
        ) from error
    return strategies


def _of_kind(kind: FaultKind, targets: Sequence[Target], steps: int) -> "SearchStrategy[Fault]":
    st = _strategies()
    args = st.fixed_dictionaries({name: _values(arg) for name, arg in kind.args.items()})

    def made(at: int, length: int, target: Target, args: Mapping[str, object]) -> Fault:
        end = min(at + length, steps)
        until = None if kind.lasts is Lasts.INSTANT else _seconds(end)
        return Fault(_seconds(at), kind.name, target, until, args)

    begins = st.integers(0, steps - 1)
    strategy: SearchStrategy[Fault] = st.builds(
        made, begins, st.integers(1, steps), st.sampled_from(targets), args
    )
    return strategy


def _seconds(steps: int) -> float:
    return round(steps * STEP_SECONDS, 3)


def _values(arg: Arg) -> "SearchStrategy[object]":
    """The default first: examples shrink towards it."""
    st = _strategies()
    strategy: SearchStrategy[object] = st.just(arg.default) | _others(arg.kind, arg.default)
    return strategy


def _others(kind: Kind, default: object) -> "SearchStrategy[object]":
    st = _strategies()
    strategy: SearchStrategy[object] = st.just(default)
    match kind:
        case Flag():
            strategy = st.booleans()
        case Choice():
            strategy = st.sampled_from(kind.names())
        case Number() if isinstance(default, int | float):
            low, high = kind.low, _high(kind, default)
            whole = st.integers(math.ceil(low), math.floor(high))
            strategy = whole if kind.whole else st.floats(low, high, exclude_min=kind.above)
    return strategy


def _high(kind: Number, default: float) -> float:
    """A wait of a year is legal, and of no use: the run would be over before."""
    return min(kind.high, max(abs(default) * SPREAD, kind.low + 1))
