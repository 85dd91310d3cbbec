"""What a run leaves behind: verdicts, coverage, the hash of its trace, and its figures."""

import json
from pathlib import Path

import attrs

from trio_lb.sim.checks.violation import Reached, Verdict, Violation
from trio_lb.sim.due import Due
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.report import data
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.tally import Tally
from trio_lb.sim.trace import current_versions


@attrs.frozen
class Result:
    """One run. ``trace_hash`` is "" without a trace; ``happenings`` is how many it holds.

    ``faults`` are those that came in fact: the schedule, with all that was left to chance drawn.
    ``due`` is what part of the load each server should have; ``requests`` is how many were asked,
    None without clients; ``late`` says which faults begin after the end, and ``vain`` why nothing
    could go wrong at all ("" and () as a rule).
    """

    name: str
    seed: int
    until: float
    settle: float
    schedule: str
    faults: tuple[Fault, ...]
    verdicts: tuple[Verdict, ...]
    coverage: tuple[Reached, ...]
    trace_hash: str
    happenings: int
    command: str = ""
    tally: Tally | None = attrs.field(default=None, repr=False)
    due: Due = Due({}, {})
    requests: int | None = None
    late: str = ""
    vain: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every check held."""
        return all(verdict.ok for verdict in self.verdicts)

    @property
    def is_vacuous(self) -> bool:
        """Whether a point of coverage was never reached, or nothing could go wrong.

        Then the checks prove too little.
        """
        return bool(self.vain) or any(point.at is None for point in self.coverage)

    @property
    def violations(self) -> list[Violation]:
        """The first violation of each check that was broken, by instant."""
        first = [verdict.first for verdict in self.verdicts if verdict.first is not None]
        return sorted(first, key=lambda violation: violation.at)

    @property
    def first(self) -> Violation | None:
        """The violation that came first of all."""
        return next(iter(self.violations), None)

    def require(self) -> "Result":
        """Return the result itself if all is well.

        Raises:
          AssertionError: a check was broken, or a point of coverage never reached; the text
            names the seed, the faults and what was violated first.
        """
        if not self.ok or self.is_vacuous:
            raise AssertionError(self.complaint())
        return self

    def complaint(self) -> str:
        """Return what is wrong, as a test's failure should say it."""
        lines = [f"simulation {self.name!r}, seed {self.seed}, {self.until:g} s:"]
        lines += [f"  {violation}" for violation in self.violations]
        missed = [point.name for point in self.coverage if point.at is None]
        if missed:
            lines.append(f"  vacuous: never reached {', '.join(missed)}")
        lines += [f"  vacuous: {why}" for why in self.vain]
        lines += [f"  {self.late}"] if self.late else []
        lines += [f"  fault {json.dumps(fault.to_data())}" for fault in self.faults[:10]]
        if len(self.faults) > 10:
            lines.append(f"  and {len(self.faults) - 10} more faults")
        return "\n".join(lines)

    @property
    def broken_at(self) -> dict[str, float]:
        """When each check that was broken said so: at the end, where it judges the whole run."""
        told = ((verdict.name, verdict.objected_at) for verdict in self.verdicts)
        return {name: at for name, at in told if at is not None}

    # ------------------------------------------------------------------ reports

    def figures(self) -> Figures:
        """Return the run's figures: latencies, loads, errors, over time and in all.

        Raises:
          ValueError: it ran without a tally.
        """
        if self.tally is None:
            raise ValueError("this run kept no tally: run it with tally=True")
        return Figures.of(self._facts(), self.tally)

    def summary(self, *, ascii_only: bool = False) -> str:
        """Return the figures as some lines for a terminal."""
        from trio_lb.sim.report.summary import summary

        return summary(self.figures(), ascii_only=ascii_only)

    def to_data(self) -> dict[str, object]:
        """Return the figures as JSON can hold them; docs/simulation/report.md has the keys."""
        from trio_lb.sim.report.summary import to_json

        return to_json(self.figures())

    def html(self, path: str | Path) -> None:
        """Write the report: one page that needs nothing else."""
        from trio_lb.sim.report.page import page

        Path(path).write_text(page(self.figures()), "utf-8")

    def _facts(self) -> data.RunFacts:
        return data.RunFacts(
            name=self.name,
            seed=self.seed,
            until=self.until,
            settle=self.settle,
            schedule=self.schedule,
            faults=self.faults,
            verdicts=tuple(map(_verdict, self.verdicts)),
            coverage=tuple(data.CoveragePoint(each.name, each.at) for each in self.coverage),
            versions=current_versions(),
            trace_hash=self.trace_hash,
            command=self.command,
            weights=self.due.weights,
            pools=self.due.pools,
            late=self.late,
            vain=self.vain,
        )


def _verdict(verdict: Verdict) -> data.Verdict:
    first = verdict.first
    return data.Verdict(
        verdict.name,
        verdict.ok,
        verdict.violations,
        "" if first is None else first.text,
        None if first is None else first.at,
        0 if first is None else first.req,
    )
