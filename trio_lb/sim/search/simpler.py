"""What is simpler than a trial: shorter, with smaller and rounder numbers, nearer to defaults.

Each function yields candidates, the boldest first. Every one is less than the trial in a
measure that has a least value (digits written, then distance from what is simplest), so whoever
goes from candidate to candidate comes to an end.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, TypeAlias

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


def is_broken_within(trial: Trial, broken_at: float | None) -> bool:
    """Whether its check objected before it was over; one that judges a whole run does so then."""
    return broken_at is not None and broken_at <= trial.until + trial.settle


def until_broken(trial: Trial, broken_at: float | None) -> Trial:
    """Return the trial that is over by the next whole second after its check objected.

    Up to that instant it is the same run, so the check objects in it, too.
    """
    if broken_at is None or not is_broken_within(trial, broken_at):
        return trial
    if broken_at > trial.until:
        left = math.floor(broken_at - trial.until) + 1.0
        return attrs.evolve(trial, settle=min(left, trial.settle))
    return shortened(attrs.evolve(trial, settle=0.0), min(math.floor(broken_at) + 1.0, trial.until))


def simpler_durations(trial: Trial, broken_at: float | None = None) -> Iterator[Trial]:
    """Yield the trial with less time, then with less peace after it.

    If its check objected before ``until``, less time would only cut off what is looked for.
    """
    if (cut := until_broken(trial, broken_at)) != trial:
        yield cut
    if broken_at is not None and broken_at <= trial.until:
        return
    for until in simpler_numbers(trial.until, 0.0):
        if until > 0:
            yield shortened(trial, until)
    for settle in simpler_numbers(trial.settle, 0.0):
        yield attrs.evolve(trial, settle=settle)


def all_earlier(trial: Trial) -> Iterator[Trial]:
    """Yield the trial whose faults come some whole seconds sooner, as far apart as they were."""
    first = math.floor(min((fault.at for fault in trial.faults), default=0.0))
    for sooner in dict.fromkeys((first, first - 1, first // 2)):
        if sooner > 0:
            moved = [_moved(each, round(each.at - sooner, 9)) for each in trial.faults]
            yield attrs.evolve(trial, faults=moved)


def _moved(fault: Fault, at: float) -> Fault:
    until = None if fault.until is None else _end(at, fault.until - fault.at)
    return attrs.evolve(fault, at=at, until=until)


def with_options(trial: Trial, names: Sequence[str]) -> Trial:
    """Return the trial with only these of its options; the others are as the scenario has them."""
    return attrs.evolve(trial, options={name: trial.options[name] for name in names})


def simpler_options(trial: Trial) -> Iterator[Trial]:
    """Yield the trial with one option smaller: a number towards 1, a list or mapping shorter."""
    for name, value in trial.options.items():
        for simpler in _simpler(value):
            yield attrs.evolve(trial, options={**trial.options, name: simpler})


def replaced(trial: Trial, fault: Fault, by: Fault) -> Trial:
    """Return the trial with one of its faults exchanged."""
    faults = list(trial.faults)
    faults[faults.index(fault)] = by
    return attrs.evolve(trial, faults=faults)


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


def joined(trial: Trial) -> Iterator[Trial]:
    """Yield the trial with one fault for two of the same server: either of them, for all the time.

    No part of the two might do: what the second needs is that the first is not over yet.
    """
    for one, other in itertools.combinations(trial.faults, 2):
        if one.target.names[-1:] != other.target.names[-1:] or None in (one.until, other.until):
            continue
        until = max(each.until for each in (one, other) if each.until is not None)
        rest = list(trial.faults)
        rest.remove(one)
        rest.remove(other)
        for stays in (one, other):
            whole = attrs.evolve(stays, at=one.at, until=until)
            yield attrs.evolve(trial, faults=[*rest, whole])


Way: TypeAlias = Callable[[Fault], Iterator[Fault]]
"""One respect in which a fault can be simpler; yields such faults."""


def ways_of(fault: Fault) -> list[Way]:
    """Return its arguments one by one, then when it comes, then how long it lasts."""
    ways: list[Way] = [partial(_nearer_default, name) for name in fault.args]
    return [*ways, _earlier, _briefer]


def _nearer_default(name: str, fault: Fault) -> Iterator[Fault]:
    """Let one argument be its default, or a number nearer to it: what is usual distracts nobody."""
    value = fault.args[name]
    goal = KINDS[fault.kind].defaults.get(name, value)
    if value == goal:
        return
    tried = [goal]
    # A flag is a number for Python, and has no other value on the way to its default.
    if not isinstance(value, bool) and isinstance(value, int | float):
        tried += simpler_numbers(value, goal) if isinstance(goal, int | float) else ()
    for each in tried:
        try:
            yield attrs.evolve(fault, args={**fault.args, name: each})
        except ConfigError:
            continue  # The kind does not allow this value.


def _earlier(fault: Fault) -> Iterator[Fault]:
    """It moves as a whole, so that it lasts as long."""
    for at in simpler_numbers(fault.at, 0.0):
        yield _moved(fault, at)


def _briefer(fault: Fault) -> Iterator[Fault]:
    """Its end is rounded as it is seen, not as the length is: 7.1 + 0.2 has many digits."""
    if fault.until is None:
        return
    for length in simpler_numbers(round(fault.until - fault.at, 9), 0.0):
        if length > 0 and (until := _end(fault.at, length)) != fault.until:
            yield attrs.evolve(fault, until=until)


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
