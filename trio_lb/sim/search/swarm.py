"""Swarm testing: each seed enables some kinds of faults, and leaves out the others.

A run with a bit of everything never gets far into anything: what resets all connections hides
what would fill them. So each seed tosses a coin for each kind (Groce et al., "Swarm Testing",
2012), then draws when, whom and how much.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from trio_lb.config.kinds import Choice, Flag, Number, Refused
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.faults.record import Fault, in_order
from trio_lb.sim.faults.shape import Arg, FaultKind, Lasts
from trio_lb.sim.faults.target import Target
from trio_lb.sim.search.targets import Field, kinds_that_hit

MOST_OF_A_KIND: Final = 4

_FIRST, _LAST = 0.05, 0.85
"""Faults begin in this part of the run: the system is warm before, and has time to heal."""


@attrs.frozen(slots=True)
class Weather:
    """How wild it gets.

    ``most_at_once`` faults at any instant (None: no limit), lasting from ``shortest`` to
    ``longest`` of the run; in mild weather at most a third of the servers is hit at once, never
    the last one, and no host that is no server. Arguments are their defaults times one of
    ``factors``.
    """

    most_at_once: int | None
    shortest: float
    longest: float
    factors: tuple[float, ...]
    spares_servers: bool


MILD: Final = Weather(2, 0.002, 0.05, (0.25, 0.5, 2.0, 4.0), spares_servers=True)
"""What a system with spare servers should cope with."""
HARSH: Final = Weather(None, 0.002, 0.3, (0.01, 0.1, 10.0, 100.0), spares_servers=False)
"""What nobody can cope with, and should still come back from."""


def swarm(
    seed: int,
    field: Field,
    horizon: float,
    *,
    kinds: Sequence[str] | None = None,
    harsh: bool = False,
    most_at_once: int | None = None,
) -> list[Fault]:
    """Return the faults of this seed, by instant, for a run of ``horizon`` seconds.

    ``kinds`` are those to choose among, all by default. ``most_at_once`` is
    another limit than the weather's own. All faults that can end do so before the run does.
    Each kind draws from a stream of its own: what is drawn for one does not depend on others.
    """
    weather = HARSH if harsh else MILD
    if most_at_once is not None:
        weather = attrs.evolve(weather, most_at_once=most_at_once)
    wanted: list[Fault] = []
    for kind in enabled_kinds(seed, field, kinds):
        targets = field.targets(kind, servers_only=weather.spares_servers)
        if targets:
            wanted += _drawn(
                kind, targets, horizon, weather, derive_rng(seed, f"swarm {kind.name}")
            )
    return list(_admitted(in_order(wanted), field, weather))


def enabled_kinds(seed: int, field: Field, names: Sequence[str] | None = None) -> list[FaultKind]:
    """Return the kinds that this seed enables: each by the toss of its own coin."""
    possible = kinds_that_hit(field, names)
    return [kind for kind in possible if derive_rng(seed, f"swarm coin {kind.name}").random() < 0.5]


def _drawn(
    kind: FaultKind,
    targets: Sequence[Target],
    horizon: float,
    weather: Weather,
    rng: random.Random,
) -> Iterator[Fault]:
    for _ in range(1 + _below(MOST_OF_A_KIND, rng)):
        at = round(horizon * (_FIRST + (_LAST - _FIRST) * rng.random()), 3)
        until = at + _seconds(horizon, weather, rng)
        target = _one_of(targets, rng)
        args = {name: _value(arg, weather, rng) for name, arg in kind.args.items()}
        if kind.points:
            args["on"] = 1.0  # Whether it is armed was tossed for already, with the kind's coin.
        end = None if kind.lasts is Lasts.INSTANT else round(min(until, horizon), 3)
        if end is None or at < end:
            yield Fault(at, kind.name, target, end, args)


def _one_of(targets: Sequence[Target], rng: random.Random) -> Target:
    """Draw its sort first: else the many servers would nearly always hide the one balancer."""
    sorts = list(dict.fromkeys(each.sort for each in targets))
    sort = sorts[_below(len(sorts), rng)] if len(sorts) > 1 else sorts[0]
    alike = [each for each in targets if each.sort is sort]
    return alike[_below(len(alike), rng)]


def _seconds(horizon: float, weather: Weather, rng: random.Random) -> float:
    """Short ones more often than long ones, by products alone: they are the same everywhere."""
    share = rng.random()
    return horizon * (weather.shortest + (weather.longest - weather.shortest) * share * share)


def _value(arg: Arg, weather: Weather, rng: random.Random) -> object:
    """Its default in every other case; each argument takes two numbers, whatever becomes of them."""
    changed, pick = rng.random() < 0.5, rng.random()
    default = arg.default
    if not changed:
        return default
    match arg.kind:
        case Flag():
            return not default
        case Choice():
            names = arg.kind.names()
            return names[int(pick * len(names))]
        case Number() if isinstance(default, int | float):
            return _legal(
                arg.kind, default * weather.factors[int(pick * len(weather.factors))], default
            )
    return default


def _legal(kind: Number, wanted: float, default: float) -> float:
    """The nearest that the kind allows, to six digits after the point; else the default."""
    value = min(max(wanted, kind.low), kind.high)
    try:
        return kind.read(round(value) if kind.whole else round(value, 6))
    except Refused:
        return default


def _below(count: int, rng: random.Random) -> int:
    """By ``random()`` alone, whose numbers every version of Python keeps."""
    return int(rng.random() * count)


def _admitted(faults: Sequence[Fault], field: Field, weather: Weather) -> Iterator[Fault]:
    """Let pass, in their order, those with which it does not get wilder than allowed."""
    present: list[Fault] = []
    for fault in faults:
        present = [each for each in present if _end(each) > fault.at]
        if _may_come([*present, fault], field, weather):
            present.append(fault)
            yield fault


def _may_come(present: Sequence[Fault], field: Field, weather: Weather) -> bool:
    if weather.most_at_once is not None and len(present) > weather.most_at_once:
        return False
    if not weather.spares_servers:
        return True
    hit = {name for fault in present for name in field.servers_hit(fault.target)}
    return len(hit) <= most_servers_hit(len(field.serving))


def most_servers_hit(servers: int) -> int:
    """Return how many of so many servers may be hit at once in mild weather."""
    return min(max(1, servers // 3), servers - 1)


def _end(fault: Fault) -> float:
    """What happens in an instant is over in it; whoever reconnects afterwards can."""
    return fault.at if fault.until is None else fault.until
