"""What is simpler than a trial: shorter, with smaller and rounder numbers, nearer to defaults.

Each function yields candidates, the boldest first. Every one is less than the trial in a
measure that has a least value (digits written, then distance from what is simplest), so whoever
goes from candidate to candidate comes to an end.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import attrs

from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.search.trial import Trial

MOST_DIGITS: Final = 3
"""Numbers are rounded to so many digits after the point at first."""

MOST_HALVINGS: Final = 6
"""A number's distance from its goal is halved so often: 1/64 of it may be left."""


def shortened(trial: Trial, until: float) -> Trial:
    """Return the trial with less time; what would begin after its end is left out."""
    faults = [fault for fault in trial.faults if fault.at < until]
    return attrs.evolve(trial, until=until, faults=faults)


def simpler_durations(trial: Trial) -> Iterator[Trial]:
    """Yield the trial with less time, then with less peace after it."""
    for until in simpler_numbers(trial.until, 0.0):
        if until > 0:
            yield shortened(trial, until)
    for settle in simpler_numbers(trial.settle, 0.0):
        yield attrs.evolve(trial, settle=settle)


def with_options(trial: Trial, names: Sequence[str]) -> Trial:
    """Return the trial with only these of its options; the others are as the scenario has them."""
    return attrs.evolve(trial, options={name: trial.options[name] for name in names})


def simpler_options(trial: Trial) -> Iterator[Trial]:
    """Yield the trial with one option smaller: a number towards 1, a list or mapping shorter."""
    for name, value in trial.options.items():
        for simpler in _simpler(value):
            yield attrs.evolve(trial, options={**trial.options, name: simpler})


def simpler_faults(trial: Trial) -> Iterator[Trial]:
    """Yield the trial with one number of one fault simpler."""
    for place, fault in enumerate(trial.faults):
        for simpler in _simpler_fault(fault):
            faults = [*trial.faults[:place], simpler, *trial.faults[place + 1 :]]
            yield attrs.evolve(trial, faults=faults)


def simpler_numbers(number: float, goal: float) -> Iterator[float]:
    """Yield numbers that are rounder, or as round and nearer to the goal: the goal first.

    Whole numbers stay whole.
    """
    # The order is what a reader would like best, not what is most likely: a run costs little
    # against the time that somebody looks at the number.
    tried = [goal]
    tried += [round(number, digits) for digits in range(MOST_DIGITS + 1)]
    for halvings in range(1, MOST_HALVINGS + 1):
        between = goal + (number - goal) * (1 - 0.5**halvings)
        tried += [float(round(between)), round(between, MOST_DIGITS)]
    if isinstance(number, int):
        tried = [round(each) for each in tried]
    least = _measure(number, goal)
    yield from (each for each in dict.fromkeys(tried) if _measure(each, goal) < least)


def _measure(number: float, goal: float) -> tuple[bool, int, float]:
    """How complicated it is: not the goal, digits after the point, distance from the goal."""
    exponent = Decimal(repr(number)).normalize().as_tuple().exponent
    digits = max(0, -exponent) if isinstance(exponent, int) else 0
    return number != goal, digits, abs(number - goal)


def _simpler_fault(fault: Fault) -> Iterator[Fault]:
    """First whole arguments back to their defaults, then the times, then the arguments' values."""
    defaults = KINDS[fault.kind].defaults
    for changes in (*_towards(fault.args, defaults), *_times(fault)):
        try:
            simpler = attrs.evolve(fault, **changes)
        except ConfigError:
            continue  # The kind does not allow this value.
        if simpler != fault:
            yield simpler


def _towards(
    args: Mapping[str, object], defaults: Mapping[str, object]
) -> Iterator[dict[str, Any]]:
    """Let one argument be its default, or a number nearer to it: what is usual distracts nobody."""
    for name, value in args.items():
        goal = defaults.get(name, value)
        if value == goal:
            continue
        yield {"args": {**args, name: goal}}
        # A flag is a number for Python, and has no other value on the way to its default.
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if isinstance(goal, int | float):
            for number in simpler_numbers(value, goal):
                yield {"args": {**args, name: number}}


def _times(fault: Fault) -> Iterator[dict[str, Any]]:
    """Move it as a whole, so that it lasts as long; then let it last for less.

    Its end is rounded as it is seen, not as the length is: 7.1 + 0.2 has many digits.
    """
    at, until = fault.at, fault.until
    for begin in simpler_numbers(at, 0.0):
        yield {"at": begin, "until": None if until is None else _end(begin, until - at)}
    if until is not None:
        for length in simpler_numbers(round(until - at, 9), 0.0):
            if length > 0:
                yield {"until": _end(at, length)}


def _end(begin: float, length: float) -> float:
    """However short, it has a length: also where a float has no room for it."""
    return max(round(begin + length, 9), math.nextafter(begin, math.inf))


def _simpler(value: object) -> Iterator[object]:
    """Numbers stay above 0, which means off; text and flags mean what only their scenario knows."""
    match value:
        case bool() | str() | None:
            return
        case int() | float() if value:
            yield from (each for each in simpler_numbers(value, 1) if each > 0)
        case list() | tuple():
            yield from _shorter(value)
        case Mapping():
            yield from ({k: v for k, v in value.items() if k != name} for name in value)


def _shorter(items: Sequence[object]) -> Iterator[list[object]]:
    """Half of it, the other half, then each without one of its items."""
    middle = len(items) // 2
    if middle:
        yield list(items[:middle])
        yield list(items[middle:])
    if len(items) != 2:
        yield from ([*items[:place], *items[place + 1 :]] for place in range(len(items)))
