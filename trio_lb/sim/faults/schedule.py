"""A schedule of faults: entries that say when and whom, and become records by expansion.

    Schedule --expand(until, rng, topology)--> [Fault, Fault, ...]

Chance is split among the entries by what they say, not by where they stand: an entry
draws from generators named after its own text (and its number among its equals). So
adding, moving or removing one never moves what another draws, which is what makes
schedules comparable and lets them be shrunk.
"""

import itertools
import json
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from trio_lb.config.kinds import Refused
from trio_lb.config.nodes import Origin
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.chance import derive_rng
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault, in_order
from trio_lb.sim.faults.shape import Lasts
from trio_lb.sim.faults.target import Aim, Topology

MOST_FAULTS: Final = 100_000
"""Of one expansion: more was meant in another unit."""

_SEED_BITS: Final = 64


@attrs.frozen(slots=True)
class At:
    """Once, at that second; ``until`` is None for what has no end or one of its own."""

    seconds: float
    until: float | None = None

    @property
    def earliest(self) -> float:
        """No fault of it begins before this."""
        return self.seconds

    def begins(self, rng: random.Random) -> Iterator[float]:
        """Yield the instants, in order."""
        yield self.seconds

    def to_data(self) -> dict[str, object]:
        """Return the keys of the entry that say when."""
        data: dict[str, object] = {"at": self.seconds}
        return data | ({} if self.until is None else {"until": self.until})


@attrs.frozen(slots=True)
class During:
    """From ``begin`` until ``end``."""

    begin: float
    end: float

    @property
    def until(self) -> float | None:
        return self.end

    @property
    def earliest(self) -> float:
        """No fault of it begins before this."""
        return self.begin

    def begins(self, rng: random.Random) -> Iterator[float]:
        """Yield the instants, in order."""
        yield self.begin

    def to_data(self) -> dict[str, object]:
        """Return the keys of the entry that say when."""
        return {"during": [self.begin, self.end]}


@attrs.frozen(slots=True)
class Every:
    """Again and again, the first time one interval after ``start``, never at or after ``stop``.

    With ``poisson`` the intervals are exponential with that mean. Their logarithm is
    libm's, whose last bit may differ between platforms: instants are rounded to ns.
    """

    seconds: float
    poisson: bool = False
    start: float = 0.0
    stop: float | None = None

    @property
    def until(self) -> float | None:
        return None

    @property
    def earliest(self) -> float:
        """No fault of it begins before this; chance may let one come at once."""
        return self.start if self.poisson else self.start + self.seconds

    def begins(self, rng: random.Random) -> Iterator[float]:
        """Yield the instants, in order; it ends at ``stop`` or not at all."""
        stop = math.inf if self.stop is None else self.stop
        return itertools.takewhile(lambda at: at < stop, self._endless(rng))

    def _endless(self, rng: random.Random) -> Iterator[float]:
        now = self.start
        for number in itertools.count(1):
            if self.poisson:
                now -= self.seconds * math.log(1.0 - rng.random())
            else:
                # Multiplied, not added up: a thousand steps of 0.1 s end at 100 s.
                now = self.start + number * self.seconds
            yield round(now, 9)

    def to_data(self) -> dict[str, object]:
        """Return the keys of the entry that say when."""
        data: dict[str, object] = {}
        data["every"] = {"poisson": self.seconds} if self.poisson else self.seconds
        if self.start:
            data["start"] = self.start
        return data | ({} if self.stop is None else {"stop": self.stop})


@attrs.frozen(slots=True)
class Entry:
    """One line of a schedule. ``seconds`` is how long each fault of it lasts, if it says so.

    ``origin`` is where it was written, if in a file: what a world refuses is told with it.
    """

    when: At | During | Every
    kind: str
    aim: Aim
    seconds: float | None = None
    args: Mapping[str, object] = attrs.field(factory=dict)
    origin: Origin = attrs.field(default=Origin(), eq=False, repr=False, kw_only=True)

    def to_data(self) -> dict[str, object]:
        """Return what a file holds for it; ``read`` makes the same entry of that."""
        data = self.when.to_data() | {"kind": self.kind, "target": self.aim.to_data()}
        if self.seconds is not None:
            data["for"] = self.seconds
        return data | ({"args": dict(self.args)} if self.args else {})

    @property
    def text(self) -> str:
        """Return what it says, always in the same words."""
        return json.dumps(self.to_data(), sort_keys=True)

    def faults(
        self, horizon: float, times: random.Random, draws: random.Random, topology: Topology
    ) -> Iterator[Fault]:
        """Yield its faults that begin before ``horizon``; each is healed by then at the latest."""
        kind = KINDS[self.kind]
        for at in itertools.takewhile(lambda at: at < horizon, self.when.begins(times)):
            until = None if kind.lasts is Lasts.INSTANT else self._until(at, horizon)
            modelled = kind.name if kind.modelled else ""
            for target in self.aim.targets(kind.targets, topology, draws, modelled=modelled):
                yield Fault(at, self.kind, target, until, self.args, origin=self.origin)

    def _until(self, at: float, horizon: float) -> float | None:
        """What has no end keeps none: it is the world that changed, not a disturbance of it."""
        until = self.when.until
        if self.seconds is not None:
            # However short, it has a length: also where a float has no room for it.
            until = max(round(at + self.seconds, 9), math.nextafter(at, math.inf))
        return None if until is None else min(until, horizon)


@attrs.frozen(slots=True)
class Schedule:
    """Entries in the order in which they were written."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> "Schedule":
        """Return the schedule that expands to exactly these, whatever the seed."""
        return cls(
            tuple(
                Entry(
                    At(fault.at, fault.until),
                    fault.kind,
                    Aim(fault.target.sort, fault.target.names),
                    None,
                    fault.args,
                    origin=fault.origin,
                )
                for fault in faults
            )
        )

    def to_data(self) -> list[dict[str, object]]:
        """Return what a file holds for it."""
        return [entry.to_data() for entry in self.entries]

    def late(self, until_seconds: float) -> int:
        """Return how many entries have no fault that could begin before the end."""
        return sum(entry.when.earliest >= until_seconds for entry in self.entries)

    def expand(
        self,
        until_seconds: float,
        rng: random.Random,
        topology: Topology,
        *,
        most: int = MOST_FAULTS,
    ) -> list[Fault]:
        """Return the faults that begin before ``until_seconds``, by instant.

        One number is taken from ``rng``, however many entries there are.

        Raises:
          ConfigError: a name that the topology has not, or more than ``most`` faults.
        """
        seed = rng.getrandbits(_SEED_BITS)
        seen: Counter[str] = Counter()
        made: list[Fault] = []
        for index, entry in enumerate(self.entries):
            name = f"{entry.text}#{seen[entry.text]}"
            seen[entry.text] += 1
            times, draws = derive_rng(seed, f"times {name}"), derive_rng(seed, f"draws {name}")
            try:
                for fault in entry.faults(until_seconds, times, draws, topology):
                    made.append(fault)
                    if len(made) > most:
                        raise Refused(f"more than {most} faults by here; is the unit right?")
            except Refused as error:
                place = entry.origin
                problem = Problem(f"[{index}]", str(error), place.file, place.line)
                raise ConfigError([problem]) from None
        return in_order(made)
