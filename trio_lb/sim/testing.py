"""Simulations in a user's own tests: many seeds, drawn faults, and the smallest that fails.

    def test_my_service_survives(lb_sim):
        def world(sim):
            sim.server("s1"), sim.server("s2")
            sim.balancer({"algorithm": "power_of_two"})
            sim.clients("web", OpenLoop(Poisson(50)))
            sim.check(ErrorRate("<1%"))

        lb_sim.explore(world, until=60, seeds=20)

``lb_sim`` is a fixture of the pytest plugin; without pytest a ``SimulationTester`` does the same.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn

import trio

from trio_lb.model.errors import ConfigError
from trio_lb.sim.checks.coverage import Coverage
from trio_lb.sim.checks.violation import Reached
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.play import DESERTED, SHRINKING, Ending, Play, World, is_deserted
from trio_lb.sim.poison import EVERYBODY
from trio_lb.sim.result import Result
from trio_lb.sim.search.emit import emit_replay, in_words
from trio_lb.sim.search.shrink import Budget, Shrunk
from trio_lb.sim.search.targets import Field
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.simulation import Simulation

DEFAULT_SETTLE_SECONDS: Final = 30.0

MOST_WORDS: Final = 15
"""More faults than these are told as data: who wants to read so many will do it in a file."""


class SimulationTester:
    """Runs simulations for a test called ``name``.

    ``seed`` is that of the first run; ``only`` says that it was asked for by hand, so that
    ``explore`` tries no other. What fails leaves a report and a trace in the folder ``report``.
    Programs are let ask for the time and for chance, and get virtual time and chance from the
    seed, unless ``guests`` says who may. ``shrinking`` is what is spent on making a failure smaller.
    ``node`` is by what pytest finds the test.
    """

    def __init__(
        self,
        name: str,
        seed: int = 0,
        *,
        only: bool = False,
        report: str | Path | None = None,
        guests: tuple[str, ...] = (EVERYBODY,),
        shrinking: Budget = SHRINKING,
        node: str = "",
    ) -> None:
        self.name = name
        self.seed = seed
        self.only = only
        self.report = None if report is None else Path(report)
        self.guests = guests
        self.shrinking = shrinking
        self.node = node

    def simulation(self, **options: Any) -> Simulation:
        """Return an empty world with this test's seed; ``options`` are those of ``Simulation``."""
        _require_no_trio_here()
        return Simulation(self.seed, name=self.name, **options)

    def field(self, world: World) -> Field:
        """Return what faults can hit in a world: what ``strategies.schedules`` asks for."""
        __tracebackhide__ = True
        with _OwnFrames():
            return self._play(world, 1.0, 0.0, {}).field(self.seed)

    def run(self, sim: Simulation, until: float, **options: Any) -> Result:
        """Run it and require that every check held and every point was reached.

        ``options`` are those of ``Simulation.run``.

        Raises:
          AssertionError: with the seed, the first violation of each check, and the faults; or
            that nobody was there to ask anything.
        """
        __tracebackhide__ = True
        with _OwnFrames():
            result = self._reported(sim, until, options)
        self._require(sim, result, holds=result.ok and not result.is_vacuous)
        return result

    def replay(
        self,
        world: World,
        *faults: object,
        until: float,
        settle: float = DEFAULT_SETTLE_SECONDS,
        seed: int | None = None,
        covered: bool = True,
        **options: Any,
    ) -> Result:
        """Run the world with these faults and no others, and require what ``run`` requires.

        ``faults`` are records, the words of ``sim.faults.fluent``, or data; ``options`` are those
        of ``Simulation``. Where it is one run of many, ``covered=False`` lets it be vacuous.

        Raises:
          AssertionError: with the seed, the first violation of each check, and the faults; or
            that nobody was there to ask anything.
        """
        __tracebackhide__ = True
        seed = self.seed if seed is None or self.only else seed
        with _OwnFrames():
            sim = self._play(world, until, settle, options).simulation(seed)
            sim.schedules.clear()
            sim.faults(*map(_as_fault, faults))
            result = self._reported(sim, until, {"settle": settle})
        self._require(sim, result, holds=result.ok and not (covered and result.is_vacuous))
        return result

    def _require(self, sim: Simulation, result: Result, *, holds: bool) -> None:
        __tracebackhide__ = True
        if not holds:
            raise AssertionError("\n".join([result.complaint(), *self._again(sim.seed)]))
        if is_deserted(sim):
            raise AssertionError(f"simulation {self.name!r}, seed {sim.seed}: vacuous: {DESERTED}")

    def explore(
        self,
        world: World,
        *,
        until: float,
        settle: float = DEFAULT_SETTLE_SECONDS,
        seeds: int = 10,
        kinds: Sequence[str] | None = None,
        harsh: bool = False,
        faults: bool = True,
        **options: Any,
    ) -> None:
        """Run the world with so many seeds, each under faults drawn from it, and require them all.

        ``kinds`` are the kinds of faults to draw from (None: all), ``harsh`` allows more of them at
        once than a system can cope with; without ``faults`` only the world's own come. ``options``
        are those of ``Simulation``. A run that fails is shrunk before it is told. Each point of
        coverage has to be reached with one of the seeds, unless a seed was asked for by hand.

        Raises:
          AssertionError: with the seed, what was violated, the smallest schedule found, and a
            test that plays it; or no fault was drawn at all.
          ConfigError, Poisoned: the world is wrong, or one of ``kinds``.
        """
        __tracebackhide__ = True
        play = self._play(world, until, settle, options)
        reached: list[Sequence[Reached]] = []
        vain: list[str] = []
        came = 0
        for seed in [self.seed] if self.only else range(self.seed, self.seed + seeds):
            with _OwnFrames():
                drawn = play.draw(seed, kinds, harsh) if faults else []
                ending = play.first(seed, drawn)
            came += len(drawn)
            if ending.check:
                self._fail(play, ending)
            reached.append(ending.coverage)
            vain.append(ending.vain)
        if all(vain):
            raise AssertionError(f"simulation {self.name!r}, {len(vain)} seeds: vacuous: {vain[0]}")
        if faults and not came and not self.only:
            raise AssertionError(f"simulation {self.name!r}, {len(reached)} seeds: {_NO_FAULTS}")
        coverage = Coverage.of(reached)
        if coverage.missed and not self.only:
            raise AssertionError(f"simulation {self.name!r}, {len(reached)} seeds: {coverage}")

    # ------------------------------------------------------------------ what failed

    def _play(self, world: World, until: float, settle: float, options: Mapping[str, Any]) -> Play:
        _require_no_trio_here()
        return Play(world, self.name, until, settle, self.guests, options, self.shrinking)

    def _fail(self, play: Play, ending: Ending) -> NoReturn:
        """Shrink it, and say all that is needed to see it again."""
        __tracebackhide__ = True
        shrunk = play.shrink(ending)
        lines = [f"simulation {self.name!r} fails with seed {ending.trial.seed}: {ending.says}"]
        if shrunk is None:
            lines += _NOT_AGAIN
        else:
            self._look(play, shrunk.trial)
            lines += self._told(play, ending, shrunk)
        raise AssertionError("\n".join(lines)) from ending.cause

    def _told(self, play: Play, ending: Ending, shrunk: Shrunk) -> list[str]:
        small, all_of_them = shrunk.trial, ending.trial.faults
        found = f"with {len(small.faults)} of {len(all_of_them)} faults, after {shrunk.runs} runs:"
        world, keep = _called(play.world)
        more = {**play.options, **({"covered": False} if ending.coverage else {})}
        test = emit_replay(self.name, world, small, more=more)
        return [
            found,
            *(f"  {line}" for line in _fault_lines(small.faults)),
            *([f"then: {shrunk.says}"] if shrunk.says != ending.says else []),
            *self._again(small.seed),
            keep,
            *(f"  {line}" for line in test.splitlines() if line),
        ]

    def _again(self, seed: int) -> list[str]:
        again = f"SimulationTester({self.name!r}, {seed}, only=True)"
        if self.node:
            again = f"pytest {shlex.quote(self.node)} --lb-seed {seed}"
        return [f"to see it again: {again}", *self._left(seed)]

    def _left(self, seed: int) -> list[str]:
        """Tell what there is to look at: a run that raised has no figures, so no page."""
        if self.report is None:
            return []
        page, trace = self._path(seed, "html"), self._path(seed, "jsonl")
        if page.exists():
            return [f"to look at it: {page}"]
        return [f"to look at it: trio-lb replay {trace} --as-written"] if trace.exists() else []

    def _look(self, play: Play, trial: Trial) -> None:
        """Run the smallest once more, for its report; whatever is logged now is worth reading."""
        sim = play.simulation(trial.seed)
        sim.schedules.clear()
        sim.faults(list(trial.faults))
        try:
            self._reported(sim, trial.until, {"settle": trial.settle})
        except Exception as error:
            # It is told already, as what the smallest run raises.
            error.add_note("while its report was made")

    def _reported(self, sim: Simulation, until: float, options: Mapping[str, Any]) -> Result:
        """Run it; if it fails, or raises, leave what is known of it in the folder for reports."""
        wanted: dict[str, Any] = {"guests": self.guests, **options}
        if self.report is None:
            return sim.run(until, **wanted)
        self.report.mkdir(parents=True, exist_ok=True)
        trace = self._path(sim.seed, "jsonl")
        self._path(sim.seed, "html").unlink(missing_ok=True)  # It would be of another run.
        result = sim.run(until, **{"trace": trace, **wanted})
        if result.ok and not result.is_vacuous:
            trace.unlink(missing_ok=True)
        else:
            result.html(self._path(sim.seed, "html"))
        return result

    def _path(self, seed: int, ending: str) -> Path:
        assert self.report is not None, "only asked for where there are reports"
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", self.name).strip("-")
        return self.report / f"{name}-seed{seed}.{ending}"


_NO_FAULTS: Final = (
    "not one fault was drawn, so nothing is proved; a third of the servers may be hit at once,"
    " and a lone one never: have another, or say harsh=True"
)
_NOT_AGAIN: Final = (
    "and a second time, with the same seed and faults, it does not:",
    "  something in it is not the same each time; look for datetime.now(), secrets, sets",
    "  that are iterated, and what is kept between runs in modules and classes",
)


def _require_no_trio_here() -> None:
    """Refuse early what would look like a crash of the world under any faults."""
    if trio.lowlevel.in_trio_run():
        raise RuntimeError(
            "a simulation is a run of trio of its own: let the test be a plain function, no async def"
        )


def _as_fault(given: object) -> object:
    return Fault.from_data(given) if isinstance(given, Mapping) else given


def _fault_lines(faults: Sequence[Fault]) -> list[str]:
    if len(faults) <= MOST_WORDS:
        return [*map(in_words, faults)] or ["none: it fails without any"]
    return [json.dumps(fault.to_data()) for fault in faults]


def _called(world: World) -> tuple[str, str]:
    """Return how a test may call the world, and where that test belongs."""
    name = getattr(world, "__name__", "")
    if name.isidentifier() and not hasattr(world, "__self__"):
        return name, "to keep it, put this beside the world:"
    code = getattr(world, "__code__", None)
    what = getattr(world, "__qualname__", type(world).__name__)
    if code is not None and not name.isidentifier():
        what = f"the lambda in {Path(code.co_filename).name}, line {code.co_firstlineno}"
    return "the_world", f"to keep it, put this where the_world is what it was here, {what}:"


class _OwnFrames:
    """Lets a ``ConfigError`` through without the library's frames: they bury what it says."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        if isinstance(error, ConfigError):
            raise error.with_traceback(_own_frames(trace))


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return what is left of a traceback without us and trio: lines of the test and its world."""
    if trace is None:
        return None
    rest = _own_frames(trace.tb_next)
    module = str(trace.tb_frame.f_globals.get("__name__", ""))
    if module.partition(".")[0] in ("trio_lb", "trio", "outcome"):
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
