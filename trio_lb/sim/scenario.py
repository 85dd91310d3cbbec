"""A scenario: a story about an outage, with what must hold in it, for any configuration.

    Scenario --build(setup)--> Simulation --run(until, settle)--> Result

``setup`` decides what the story leaves open: the seed, the configuration under test (the
scenario's own if none is given), and whether the protection that it is about is on. A control
run, with the protection off, must fail: else the scenario proves nothing.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from trio_lb.config.kinds import show, suggestion
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim import adopt
from trio_lb.sim.limits import Limit
from trio_lb.sim.simulation import Simulation

Source: TypeAlias = str | Path | Mapping[str, object]
_Place: TypeAlias = tuple[str, str | None, int, str | None]
"""A server to be: its name, its literal if it has one, its port, its zone."""


@attrs.frozen
class Setup:
    """What a scenario is built from.

    ``config`` is the user's own, None for the scenario's. ``protected`` False asks for the
    control run. ``options`` are the scenario's own, all of them filled in.
    """

    scenario: "Scenario"
    seed: int = 0
    schedule: str = "fifo"
    config: Source | None = None
    protected: bool = True
    options: Mapping[str, object] = attrs.field(factory=dict)
    limits: Mapping[str, Limit] = attrs.field(factory=dict)
    protects_outside: bool = False

    def simulation(self, **more: Any) -> Simulation:
        """Return an empty world with this seed, in which the user's servers have their places."""
        sim = Simulation(self.seed, name=self.scenario.name, schedule=self.schedule, **more)
        sim.is_taken = is_own
        sim.net.reserve(adopt.literals(self.config))
        return sim

    def fleet(
        self,
        sim: Simulation,
        count: int,
        *,
        zones: Sequence[str] = (),
        each: Callable[[int], Mapping[str, Any]] = lambda index: {},
        **settings: Any,
    ) -> list[str]:
        """Make the servers, and return the names of those that clients meet on an ordinary day.

        There are ``count`` of them, or the user's own. Those that say no zone are spread over
        ``zones``. ``each(index)`` may give the settings of single ones.

        Raises:
          ConfigError: the user's own configuration is refused, or has nobody who would serve.
        """
        places: list[_Place] = [(f"s{index + 1}", None, 80, None) for index in range(count)]
        if self.config is not None:
            places = list(self._own_places())
        for index, (name, address, port, zone) in enumerate(places):
            zone = zone or (zones[index % len(zones)] if zones else None)
            chosen = {**settings, **each(index)}
            actor = sim.server(name, zone=zone, address=address, port=port, **chosen)
            own = self._names.get(name)
            if own is not None:
                sim.net.set_name(own, [actor.host.address])
        return [place[0] for place in places] if self.config is None else self._met()

    def _met(self) -> list[str]:
        """The servers of the first listener's pool, where clients go, without its reserve.

        Load and faults are for these: of a server that nobody asks a story tells nothing.
        """
        adopted = self._adopted()
        listeners = adopted.plan.listeners
        door = next((each for each in listeners if not each.answers_itself), listeners[0])
        pool = adopted.plan.pools[door.pool]
        adopt.refuse_idle(adopted.plan, pool, self._source)
        taking = [each for each in pool.servers if not each.disabled]
        # Those of the first rank: whoever is a backup, or has a later turn, comes after them.
        first = min(((each.backup, each.priority) for each in taking), default=None)
        ranked = [each for each in taking if (each.backup, each.priority) == first]
        return [adopted.names[pool.name, each.id] for each in ranked]

    @property
    def _names(self) -> Mapping[str, str]:
        """The host name behind each of the user's servers that is not called by a literal."""
        if self.config is None:
            return {}
        adopted = self._adopted().servers.items()
        return {
            name: address.host
            for name, (address, _) in adopted
            if not adopt.is_literal(address.host)
        }

    def _own_places(self) -> Sequence[_Place]:
        return [
            (
                name,
                address.host if adopt.is_literal(address.host) else None,
                address.port,
                config.zone,
            )
            for name, (address, config) in self._adopted().servers.items()
        ]

    def _adopted(self) -> adopt.Adopted:
        assert self.config is not None, "only a given configuration is adopted"
        plan = adopt.read(self.config)
        return adopt.adopt(plan, "127.0.0.1", source=self._source, is_taken=is_own)

    @property
    def _source(self) -> str:
        """The file that the configuration is from; "" for data."""
        return str(self.config) if isinstance(self.config, (str, Path)) else ""

    def balancer(
        self,
        sim: Simulation,
        config: Mapping[str, object],
        *,
        name: str = "lb",
        zone: str | None = None,
    ) -> None:
        """Put a balancer there: with the user's configuration, else with the scenario's."""
        sim.balancer(config if self.config is None else self.config, name=name, zone=zone)


OWN_NAMES: Final = re.compile(
    r"lb\d*|of lb\d+|web|deployer|guarded|leavers|mobile|poisoner|readers|rounds|steady|talkers"
    r"|tricklers|uploads|watchers"
)
"""Who takes part in a scenario beside servers; a user's server of such a name gets another."""


def is_own(name: str) -> bool:
    """Whether a scenario has somebody of that name who is no server."""
    return OWN_NAMES.fullmatch(name) is not None


Build: TypeAlias = Callable[[Setup], Simulation]


@attrs.frozen
class Scenario:
    """One story. ``until`` and ``settle`` are seconds of virtual time.

    ``summary`` is one line, ``about`` what protection it is about (what a control run lacks;
    "" for none). ``options`` maps the names of what may be said about it to their defaults, and
    ``limits`` to what they may be. ``protects_outside`` says that a control run also changes
    what is around the balancer, which it does for a user's configuration, too.
    """

    name: str
    summary: str
    build: Build
    until: float
    settle: float = 30.0
    number: int = 0
    about: str = ""
    options: Mapping[str, object] = attrs.field(factory=dict)
    limits: Mapping[str, Limit] = attrs.field(factory=dict)
    protects_outside: bool = False

    def simulation(
        self,
        *,
        seed: int = 0,
        schedule: str = "fifo",
        config: Source | None = None,
        protected: bool = True,
        options: Mapping[str, object] | None = None,
    ) -> Simulation:
        """Return its world, ready to run.

        Raises:
          ConfigError: an option is unknown or beyond its limit, or the configuration is refused.
        """
        given = dict(options or {})
        wrong = {key: self.objection(key, value) for key, value in given.items()}
        problems = [Problem(f"options.{key}", says) for key, says in wrong.items() if says]
        if problems:
            raise ConfigError(problems)
        filled = {**self.options, **given}
        return self.build(Setup(self, seed, schedule, config, protected, filled))

    def objection(self, key: str, value: object) -> str:
        """Return what is wrong with an option; "" if nothing is."""
        if key not in self.options:
            return f"{show(key)} is no option of {self.name}{self._hint(key)}"
        limit = self.limits.get(key)
        wrong = "" if limit is None else limit.objection(value)
        return f"{wrong} (default {show(self.options[key])})" if wrong else ""

    def _hint(self, key: str) -> str:
        known = tuple(self.options)
        return suggestion(key, known) or f"; it has: {', '.join(known) or 'none'}"


OWN_FAULTS: Final = "own_faults"
"""Of a trial's options: False leaves a scenario's own faults out, as shrinking needs it."""
PROTECTED: Final = "protected"
"""Of a trial's options: False asks for the control run."""
