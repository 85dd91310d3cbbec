"""How a run goes: phases, faults, checks, the trace.

safety      faults come and go while clients want things, until ``until``
liveness    everything is healed; for ``settle`` seconds it must come back to good order
wind_down   clients want nothing more; what is under way ends
end         balancers stop, servers close, nothing may be left
"""

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias

import attrs
import trio

from trio_lb.sim.census import Census
from trio_lb.sim.checks.board import Board
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.standard import standard_checks
from trio_lb.sim.checks.violation import Verdict, Violation
from trio_lb.sim.config_text import hash_of_plans
from trio_lb.sim.due import due
from trio_lb.sim.faults.agenda import Agenda
from trio_lb.sim.faults.record import Fault, in_order
from trio_lb.sim.happening import Happening, What
from trio_lb.sim.report.tally import Tally
from trio_lb.sim.result import Result
from trio_lb.sim.run import run
from trio_lb.sim.shim import install
from trio_lb.sim.trace import Trace, TraceHeader
from trio_lb.sim.vain import NOBODY_ASKED, late_line, no_fault

if TYPE_CHECKING:
    from trio_lb.sim.simulation import Simulation

WIND_DOWN_SECONDS: Final = 120.0
"""Clients that still wait so long after the end leave; a balancer has as long to stop."""

Main: TypeAlias = Callable[[], Awaitable[dict[str, object]]]

LAST_SECONDS: Final = 1.0
"""After everybody has closed, so long for what is still on its way."""


@attrs.frozen(slots=True)
class Options:
    """How a run is to be made.

    ``settle`` seconds follow after the last heal. ``trace`` is the path of the trace, True for
    its hash only, False for nothing. ``standard`` adds the checks that hold for every correct
    balancer, ``tally`` keeps what reports need. ``enough`` names a check: when it objects, the
    run is over, and nothing is known of what would have come. ``guests`` are modules of programs of
    your own that may ask for the time and for random bytes (see ``run.run``).
    """

    settle: float = 0.0
    trace: bool | str | Path = True
    standard: bool = True
    tally: bool = True
    enough: str = ""
    guests: tuple[str, ...] = ()


class Direction:
    """Directs one run of a simulation."""

    def __init__(self, sim: "Simulation", until: float, options: Options) -> None:
        if not 0.0 < until < math.inf or not 0.0 <= options.settle < math.inf:
            raise ValueError(f"{until} s and {options.settle} s to settle are no length of a run")
        self._sim = sim
        self._until = until
        self._options = options
        standard = standard_checks() if options.standard else ()
        self._board = Board([*standard, *sim.checks], until, options.settle)
        horizon = until + options.settle + LAST_SECONDS
        self._tally = Tally(horizon) if options.tally else None
        for check in self._board.checks:
            check.on_first = partial(self._heed, check)
        self._leave: Callable[[], object] = self._board.end
        self._faults = self._expanded()
        self._agenda = sim.agenda = Agenda(sim, self._faults)
        self._trace: Trace | None = None
        self._verdicts: list[Verdict] = []
        self.around: Callable[[Main], Main] = _as_it_is
        self.told: dict[str, object] = {}
        self._curtain = trio.CancelScope()

    def _heed(self, check: Check, violation: Violation) -> None:
        """Let the report tell the life of the request in question; end the run if that is enough."""
        if self._tally is not None:
            self._tally.keep(violation.req)
        if check.name == self._options.enough:
            self._verdicts = self._board.verdicts
            self._board.end()
            self._leave()

    def _expanded(self) -> tuple[Fault, ...]:
        sim = self._sim
        found: list[Fault] = []
        for schedule in sim.schedules:
            found += schedule.expand(self._until, sim.rng("faults"), sim.cast)
        return tuple(in_order(found))

    def run(self) -> Result:
        """Run it."""
        sim = self._sim
        with ExitStack() as stack:
            self._open_trace(stack)
            for balancer in sim.balancers.values():
                if balancer.certificates is not None:
                    stack.callback(balancer.certificates.close)
            try:
                run(
                    self.around(self._main),
                    seed=sim.seed,
                    schedule=sim.schedule,
                    clock=sim.clock,
                    guests=self._options.guests,
                )
            except Exception as error:
                cause = _alone(error)
                now = sim.clock.current_time()
                cause.add_note(f"in simulation {sim.name!r} with seed {sim.seed}, at {now:.9f} s")
                if cause is error:
                    raise
                raise cause from None
        return Result(
            name=sim.name,
            seed=sim.seed,
            until=self._until,
            settle=self._options.settle,
            schedule=sim.schedule,
            faults=self._agenda.faults,
            verdicts=tuple(self._verdicts),
            coverage=tuple(self._board.coverage),
            trace_hash="" if self._trace is None else self._trace.end(),
            happenings=0 if self._trace is None else self._trace.count,
            command=sim.command,
            tally=self._tally,
            due=due((sim.configs[name], each.names) for name, each in sim.balancers.items()),
            requests=sim.requests if sim.clients_by_name else None,
            late=late_line(sim.schedules, self._until),
            vain=tuple(self._vain()),
        )

    def _vain(self) -> Iterator[str]:
        """Yield why nothing could go wrong; programs may have clients of their own."""
        sim = self._sim
        if sim.clients_by_name and not sim.requests:
            yield NOBODY_ASKED
        planned = any(schedule.entries for schedule in sim.schedules)
        if planned and not self._agenda.faults and not sim.may_cut_faults:
            why = no_fault(sim.schedules, self._until)
            yield from [why] if why else []

    def _open_trace(self, stack: ExitStack) -> None:
        wanted = self._options.trace
        if wanted is False:
            return
        sink: IO[str] | None = None
        if wanted is not True:
            sink = stack.enter_context(open(wanted, "w", newline="\n"))  # noqa: SIM115  # The stack closes it.
        sim = self._sim
        config_hash = hash_of_plans(sim.configs)
        header = TraceHeader(sim.seed, sim.schedule, config_hash=config_hash, trial=sim.trial)
        self._trace = stack.enter_context(Trace(header, sink))

    # ------------------------------------------------------------------ in virtual time

    async def _main(self) -> dict[str, object]:
        """Play it all; return what a branch of the run can tell, as JSON can hold it."""
        sim = self._sim
        self._attach()
        async with trio.open_nursery() as nursery:
            self._leave = nursery.cancel_scope.cancel
            self._board.on_crash = lambda crash: nursery.cancel_scope.cancel()
            sim.stage.nursery = nursery
            try:
                with install(sim.net):  # For programs that know no network but trio's.
                    await self._play()
            finally:
                sim.stage.nursery = None  # Actors may still be called, but start nothing.
            nursery.cancel_scope.cancel()
        if self._board.crashed is not None:
            raise self._board.crashed
        self.told = {
            "trace_hash": "" if self._trace is None else self._trace.hexdigest(),
            "violations": [str(each.first) for each in self._verdicts if each.first is not None],
        }
        return self.told

    async def _play(self) -> None:
        """Let servers, programs and balancers begin, go through the phases, and end them."""
        sim = self._sim
        for server in sim.servers.values():
            await server.start()
        async with trio.open_nursery() as balancers:
            balancers.start_soon(self._run_programs)
            for balancer in sim.balancers.values():
                await balancers.start(balancer.service)
            await self._phases()
            balancers.cancel_scope.cancel()

    async def _run_programs(self) -> None:
        """They end before balancers stop: one that asks all the time would find nobody there."""
        with self._curtain:
            async with trio.open_nursery() as programs:
                for program in self._sim.programs.values():
                    programs.start_soon(program.run)

    def _attach(self) -> None:
        wire = self._sim.wire
        if self._trace is not None:
            record = self._trace.record

            def write(happening: Happening) -> None:
                at, what, entity, conn, req, values = happening
                record(at, what, entity, conn, req, *values)

            wire.hear(write)
        if self._tally is not None:
            self._tally.attach(wire)
            Census(self._sim.clock, self._sim.balancers, self._tally).start()
        self._board.begin(self._sim, wire)

    async def _phases(self) -> None:
        sim = self._sim
        self._begin("safety")
        self._agenda.start()
        for client in sim.clients_by_name.values():
            client.start()
        await trio.sleep_until(self._until)
        self._agenda.stop()
        self._begin("liveness")
        await trio.sleep(self._options.settle)
        self._begin("wind_down")
        await self._wind_down()
        self._board.quiet(sim)
        self._begin("end")
        await self._end()
        self._verdicts = self._board.finish(sim)

    def _begin(self, phase: str) -> None:
        self._sim.wire.tell(What.PHASE, "sim", 0, 0, phase)

    async def _wind_down(self) -> None:
        """Let clients finish; who can't is sent home."""
        clients = list(self._sim.clients_by_name.values())
        for client in clients:
            client.stop()
        with trio.move_on_after(WIND_DOWN_SECONDS):
            for client in clients:
                await client.wait_quiet()
        for client in clients:
            client.leave()
        await trio.sleep(LAST_SECONDS)

    async def _end(self) -> None:
        self._curtain.cancel()
        for balancer in self._sim.balancers.values():
            await balancer.stop(WIND_DOWN_SECONDS)
        for server in self._sim.servers.values():
            server.close()
        await trio.sleep(LAST_SECONDS)


def _as_it_is(main: Main) -> Main:
    return main


def _alone(error: Exception) -> Exception:
    """Return what stands alone in groups of the nurseries that it came through."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
