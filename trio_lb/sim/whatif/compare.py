"""One trial with two configurations: both runs in one process, and what to tell of them.

    trial (old) --run--> figures --.
                                    +--> Compared: figures beside figures, checks, first decisions
    trial (new) --run--> figures --'

Both have the same seed, so the same clients want the same at the same instants, and the same
faults come: what differs is the configuration's doing.
"""

import shlex
from collections.abc import Mapping

import attrs

from trio_lb.sim import adopt
from trio_lb.sim.report.compare import comparison_json, comparison_page
from trio_lb.sim.report.lines import Line, lines_of
from trio_lb.sim.result import Result
from trio_lb.sim.search.trial import Outcome, Trial
from trio_lb.sim.trial_run import scenario_of, simulation_of
from trio_lb.sim.whatif.decisions import Decisions, Parting, first_parting


@attrs.frozen(slots=True)
class Compared(Outcome):
    """What came of both. As an outcome it holds nothing: no check of ours has failed.

    ``old_broken`` and ``new_broken`` map the name of a check to its first violation,
    ``old_command`` and ``new_command`` make the same run by itself; ``old_missed`` and
    ``new_missed`` are the points of coverage that a run never reached: there it shows nothing,
    and neither does the comparison. ``pick`` is the first request that went elsewhere,
    ``verdict`` the first that was thought of a server by one of them only; None: there was
    none. ``data`` is all of it as JSON can hold it.
    """

    lines: tuple[Line, ...] = ()
    old_broken: Mapping[str, str] = attrs.field(factory=dict)
    new_broken: Mapping[str, str] = attrs.field(factory=dict)
    old_command: str = ""
    new_command: str = ""
    old_missed: tuple[str, ...] = ()
    new_missed: tuple[str, ...] = ()
    pick: Parting | None = None
    verdict: Parting | None = None
    data: Mapping[str, object] = attrs.field(factory=dict)

    @property
    def newly_broken(self) -> list[str]:
        """The checks that the old configuration keeps and the new one breaks."""
        return [check for check in self.new_broken if check not in self.old_broken]


def require_usable(config: str) -> None:
    """Look whether a simulated world can adopt a configuration.

    Raises:
      ConfigError: it is refused, or needs something real.
    """
    adopt.adopt(adopt.read(config), "127.0.0.1", source=config)


@attrs.frozen
class Comparison:
    """Runs trials twice: as they are, and with the configuration ``new``.

    It can be sent to other processes. ``pages`` maps (scenario, seed) to the file for an A/B page,
    ``faults`` is the file that those of the trials are from.
    """

    new: str
    pages: Mapping[tuple[str, int], str] = attrs.field(factory=dict)
    faults: str | None = None

    def __call__(self, trial: Trial) -> Compared:
        """Return what came of both.

        Raises:
          ConfigError: a configuration or the scenario is refused.
          Exception: what a run raised.
        """
        old, old_decisions = self._run(trial)
        new, new_decisions = self._run(attrs.evolve(trial, config=self.new))
        a, b = old.figures(), new.figures()
        page = self.pages.get((trial.scenario, trial.seed))
        if page is not None:
            with open(page, "w", encoding="utf-8") as file:
                command = self._command(trial)
                file.write(comparison_page(a, b, story=trial.scenario, command=command))
        return Compared(
            lines=tuple(lines_of(a, b)),
            old_broken=_broken(old),
            new_broken=_broken(new),
            old_command=old.command,
            new_command=new.command,
            old_missed=(*a.facts.missed, *a.facts.vain),
            new_missed=(*b.facts.missed, *b.facts.vain),
            pick=first_parting(old_decisions.picks, new_decisions.picks),
            verdict=first_parting(old_decisions.verdicts, new_decisions.verdicts),
            data=comparison_json(a, b),
        )

    def _command(self, trial: Trial) -> str:
        """Return what compares the two again, in this seed."""
        words = ["trio-lb", "whatif", f"{trial.config}", self.new, "--scenario", trial.scenario]
        return shlex.join([*words, *self._same_run(trial)])

    def _same_run(self, trial: Trial) -> list[str]:
        """Return the options that make the same run: its faults, seed, and length, if asked for."""
        usual = scenario_of(trial.scenario).until
        length = [] if trial.until == usual else ["--until", f"{trial.until:g}"]
        faults = [] if self.faults is None else ["--faults", self.faults]
        return [*faults, "--seed", str(trial.seed), *length]

    def _run(self, trial: Trial) -> tuple[Result, Decisions]:
        sim = simulation_of(trial)
        sim.name = f"{trial.config}"  # So A and B are called on the page: the scenario is the same.
        words = ["trio-lb", "simulate", trial.scenario, "--config", f"{trial.config}"]
        sim.command = shlex.join([*words, *self._same_run(trial)])
        decisions = Decisions()
        decisions.attach(sim.wire)
        return sim.run(trial.until, settle=trial.settle, trace=False), decisions


def _broken(result: Result) -> dict[str, str]:
    return {violation.check: str(violation) for violation in result.violations}
