"""A world that a test describes, played again and again: with drawn faults, with fewer, with none.

world --draw(seed)--> faults --first(seed, faults)--> Ending --shrink--> the smallest that fails
"""

import logging
import time
from collections.abc import (
    AsyncGenerator,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeAlias

import attrs

from trio_lb.config.kinds import suggestion
from trio_lb.model.errors import ConfigError, Problem
from trio_lb.sim.checks.violation import Reached
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.schedule import Schedule
from trio_lb.sim.field import field_of
from trio_lb.sim.poison import EVERYBODY, Poisoned
from trio_lb.sim.result import Result
from trio_lb.sim.search.shrink import Budget, DoesNotFail, Shrunk, shrink
from trio_lb.sim.search.swarm import swarm
from trio_lb.sim.search.targets import Field, kinds_that_hit
from trio_lb.sim.search.trial import CRASHED, Outcome, Trial
from trio_lb.sim.simulation import Simulation

World: TypeAlias = Callable[[Simulation], object]
"""Puts programs, servers, balancers, clients, checks and, if it likes, faults into a simulation."""

SHRINKING: Final = Budget(runs=200, seconds=30.0)
"""So much, in seconds of CPU, is spent at the most on making a failure smaller: somebody waits."""


DESERTED: Final = (
    "the world has no clients and no programs, so nobody asked anything;"
    " sim.clients(...) or sim.host(...) puts some into it"
)


@attrs.frozen(slots=True)
class Ending:
    """What came of one run, and the trial that is this run: its faults are those that came.

    ``check`` is the one that was broken first, "" if none was; ``cause`` is what the run raised.
    ``vain`` says why nothing could go wrong, "" as a rule.
    """

    trial: Trial
    check: str = ""
    says: str = ""
    coverage: tuple[Reached, ...] = ()
    cause: Exception | None = None
    vain: str = ""


@attrs.frozen(slots=True)
class Play:
    """Plays a world. ``options`` are those of ``Simulation``, ``guests`` those of its runs.

    ``shrinking`` is what may be spent on making a failure smaller.
    """

    world: World
    name: str
    until: float
    settle: float
    guests: tuple[str, ...] = (EVERYBODY,)
    options: Mapping[str, Any] = attrs.field(factory=dict)
    shrinking: Budget = SHRINKING

    def simulation(self, seed: int) -> Simulation:
        """Return the world, ready to run.

        Raises:
          TypeError: the world is an ``async def`` or a generator, of which nothing was run.
        """
        __tracebackhide__ = True
        sim = Simulation(seed, name=self.name, **self.options)
        _require_done(self.world(sim))
        return sim

    def field(self, seed: int) -> Field:
        """Return what faults can hit in it."""
        return field_of(self.simulation(seed))

    def draw(self, seed: int, kinds: Sequence[str] | None, harsh: bool) -> list[Fault]:
        """Return the faults of a seed.

        Raises:
          ConfigError: there is no such kind, or none of them finds a target in this world.
        """
        wrong = [Problem(name, f"is no kind of fault{_hint(name)}") for name in _unknown(kinds)]
        if wrong:
            raise ConfigError(wrong)
        field = self.field(seed)
        if kinds and not kinds_that_hit(field, kinds):
            raise ConfigError(f"{', '.join(kinds)}: none of these faults finds a target here")
        return swarm(seed, field, self.until, kinds=kinds, harsh=harsh)

    # ------------------------------------------------------------------ runs

    def first(self, seed: int, drawn: Sequence[Fault]) -> Ending:
        """Run it with the world's own faults and those that were drawn.

        Raises:
          ConfigError, Poisoned: the world itself is wrong, with or without faults.
        """
        sim = self.simulation(seed)
        sim.faults(list(drawn))
        try:
            with _no_logs():
                result = sim.run(self.until, settle=self.settle, tally=False, guests=self.guests)
        except (ConfigError, Poisoned):
            raise
        except Exception as error:
            return Ending(self._trial(sim), CRASHED, _crash(error), cause=error)
        broken = result.first
        check, says = ("", "") if broken is None else (broken.check, str(broken))
        vain = DESERTED if is_deserted(sim) else "; ".join(result.vain)
        return Ending(self._trial(sim), check, says, result.coverage, vain=vain)

    def _trial(self, sim: Simulation) -> Trial:
        faults = sim.agenda.faults if sim.agenda is not None else ()
        return Trial(self.name, seed=sim.seed, faults=faults, until=self.until, settle=self.settle)

    def again(self, trial: Trial, **options: Any) -> Result:
        """Run it with a trial's faults, and no others; ``options`` are those of ``run``."""
        sim = self.simulation(trial.seed)
        sim.schedules = [Schedule.of(trial.faults)]
        return sim.run(trial.until, settle=trial.settle, guests=self.guests, **options)

    def shrink(self, ending: Ending) -> Shrunk | None:
        """Return the smallest run that fails in the same way; None if not even this one does."""
        with _no_logs():
            try:
                shrunk = shrink(
                    ending.trial,
                    partial(self._outcome, ending.check),
                    clock=time.process_time,
                    check=ending.check,
                    budget=self.shrinking,
                )
            except DoesNotFail:
                return None
        if shrunk.interrupted:
            raise KeyboardInterrupt  # Who runs many tests wants to end them all.
        return shrunk

    def _outcome(self, check: str, trial: Trial) -> Outcome:
        """Run it until the check objects."""
        result = self.again(trial, tally=False, trace=False, enough=check)
        says = {each.check: str(each) for each in result.violations}
        return Outcome(says, broken_at=result.broken_at)


def is_deserted(sim: Simulation) -> bool:
    """Whether nobody in this world can ask anything: then whatever holds proves nothing."""
    return not sim.clients_by_name and not sim.programs


def _require_done(returned: object) -> None:
    """Refuse a world that would be empty: it has to be filled when its function returns."""
    __tracebackhide__ = True
    if isinstance(returned, Coroutine | Generator):
        returned.close()
    elif not isinstance(returned, AsyncGenerator):
        return
    raise TypeError(
        "the world is no plain function, so nothing of it was run: fill the simulation in a def"
        " without async and yield; what awaits goes into sim.host(name, run)"
    )


def _unknown(kinds: Sequence[str] | None) -> list[str]:
    return [name for name in kinds or () if name not in KINDS]


def _hint(name: str) -> str:
    return suggestion(name, tuple(KINDS)) or "; docs/simulation/faults.md has them all"


def _crash(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


@contextmanager
def _no_logs() -> Iterator[None]:
    """A search makes hundreds of runs; what their programs log would bury what the last one does."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)
