"""What ``trio-lb whatif`` says, as text and as JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from trio_lb.cli.simulate_text import LOOK, first_of, plural
from trio_lb.sim.report.lines import MOST_APART, NOT_COMPARABLE, OF_GOOD, unknown_said
from trio_lb.sim.search.explore import Finding
from trio_lb.sim.whatif.compare import Compared
from trio_lb.sim.whatif.decisions import Parting
from trio_lb.sim.whatif.summary import Checks, Row, rows_of

_HEADS: Final = ("", "old", "new", "change")


@attrs.frozen
class Chapter:
    """What came of one scenario: a finding for each seed, and what is to be said of its faults."""

    scenario: str
    findings: Sequence[Finding]
    notes: Sequence[str] = ()

    @property
    def compared(self) -> list[Compared]:
        """The seeds in which both runs came to their end."""
        outcomes = [each.outcome for each in self.findings]
        return [each for each in outcomes if isinstance(each, Compared)]

    @property
    def crashed(self) -> list[Finding]:
        """Those in which one of the two crashed."""
        return [each for each in self.findings if not isinstance(each.outcome, Compared)]

    @property
    def is_worse(self) -> bool:
        """Whether the new configuration breaks what the old one keeps, in any seed."""
        return any(each.newly_broken for each in self.compared)


def chapter_text(chapter: Chapter) -> str:
    """Return a scenario's table, its checks, and where the two first decide otherwise."""
    return "\n".join(_chapter(chapter))


def _chapter(chapter: Chapter) -> Iterator[str]:
    compared = chapter.compared
    yield f"{chapter.scenario}, {_seeds(chapter.findings)}, the same clients and faults for both"
    yield from (f"  {note}" for note in chapter.notes)
    if compared:
        rows = rows_of(compared)
        yield from table(rows, len(compared))
        yield from _legend(rows)
        yield from _checks(chapter, Checks.of(compared))
        yield from _vacuous(compared)
        yield from _partings(chapter)
    for each in chapter.crashed:
        yield f"  seed {each.trial.seed}: {first_of(each)}"


def _seeds(findings: Sequence[Finding]) -> str:
    seeds = [each.trial.seed for each in findings]
    if not seeds:
        return "no seed done"
    return (
        f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]})"
    )


def table(rows: Sequence[Row], seeds: int) -> Iterator[str]:
    """Yield a line for each figure; with several seeds these are means, and how often who won."""
    cells = [_HEADS, *(_cells(row, seeds) for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(3)]
    for name, old, new, change in cells:
        line = f"  {name:<{widths[0]}}  {old:>{widths[1]}}  {new:>{widths[2]}}  {change}"
        yield line.rstrip()


def _legend(rows: Sequence[Row]) -> Iterator[str]:
    """Whose the percentiles are: without the requests that failed, which may be the slow ones."""
    yield from (f"  {why}" for why in unknown_said([row.line for row in rows]))
    if any(row.line.name in OF_GOOD and not row.line.is_unknown for row in rows):
        yield "  percentiles are of good requests only"
    if not all(row.line.comparable for row in rows):
        yield f"  {NOT_COMPARABLE}: the counts of good answers differ by more than {MOST_APART:.0%}"


def _cells(row: Row, seeds: int) -> tuple[str, str, str, str]:
    line = row.line
    old, new = (line.said(value) for value in line.values)
    return line.name, old, new, _change(row, seeds)


def _change(row: Row, seeds: int) -> str:
    word = {"good": "better", "bad": "worse", "": ""}[row.line.verdict]
    if not row.line.comparable:
        return row.line.change
    if seeds == 1:
        return f"{row.line.change} {word}".rstrip()
    counted = ((row.better, "better"), (row.worse, "worse"))
    often = ", ".join(f"{count} {word}" for count, word in counted if count)
    return f"{row.line.change} ({often})" if often else row.line.change


def _checks(chapter: Chapter, checks: Checks) -> Iterator[str]:
    for title, counts, is_new in (
        ("broken by the old one only", checks.old_only, False),
        ("BROKEN BY THE NEW ONE ONLY", checks.new_only, True),
        ("broken by both, in this way by the new one", checks.both, True),
    ):
        if counts:
            yield f"  {title}: {_counted(counts)}"
            yield from _broken(chapter, list(counts), is_new)
    if not (checks.old_only or checks.new_only or checks.both):
        yield "  all checks held with both"


def _broken(chapter: Chapter, names: Sequence[str], is_new: bool) -> Iterator[str]:
    """Yield what each check said first, and how to look at the first of these runs."""
    runs = [
        (each.new_broken, each.new_command) if is_new else (each.old_broken, each.old_command)
        for each in chapter.compared
    ]
    commands: list[str] = []
    for name in names:
        broken, command = next(each for each in runs if name in each[0])
        yield f"    {broken[name]}"
        commands.append(command)
    yield f"    to look at it: {commands[0]}{LOOK}"


def _vacuous(compared: Sequence[Compared]) -> Iterator[str]:
    """A check that held proves little for who never came to what the scenario is about."""
    for which, missed in (
        ("old", Counter(point for each in compared for point in each.old_missed)),
        ("new", Counter(point for each in compared for point in each.new_missed)),
    ):
        if missed:
            yield f"  VACUOUS with the {which} one, never reached: {_counted(missed)}"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} (in {plural(count, 'seed')})" for name, count in counts.items())


def _partings(chapter: Chapter) -> Iterator[str]:
    """Those of the first seed: one example says more than a mean of them."""
    first = next(each for each in chapter.findings if isinstance(each.outcome, Compared))
    compared = first.outcome
    assert isinstance(compared, Compared), "as was just asked"
    seed = f"seed {first.trial.seed}"
    yield from _parting("the first request that goes elsewhere", compared.pick, seed)
    yield from _parting("the first verdict that differs", compared.verdict, seed)


def _parting(title: str, parting: Parting | None, seed: str) -> Iterator[str]:
    if parting is None:
        return
    yield f"  {title}, in {seed}:"
    yield f"    old: {parting.old or 'nothing more'}"
    yield f"    new: {parting.new or 'nothing more'}"


def whatif_data(
    old: str, new: str, chapters: Sequence[Chapter], *, interrupted: bool
) -> dict[str, object]:
    """Return the same for a program; docs/reference/command-line.md says what the keys are."""
    return {
        "schema": 1,
        "old": old,
        "new": new,
        "interrupted": interrupted,
        "worse": any(chapter.is_worse for chapter in chapters),
        "scenarios": [
            {"scenario": chapter.scenario, "seeds": [_seed_data(each) for each in chapter.findings]}
            for chapter in chapters
        ],
    }


def _seed_data(finding: Finding) -> dict[str, object]:
    outcome = finding.outcome
    if not isinstance(outcome, Compared):
        return {"seed": finding.trial.seed, "crashed": dict(outcome.violations)}
    return {
        "seed": finding.trial.seed,
        "broken": {"old": dict(outcome.old_broken), "new": dict(outcome.new_broken)},
        "vacuous": {"old": list(outcome.old_missed), "new": list(outcome.new_missed)},
        "first_pick": None if outcome.pick is None else attrs.asdict(outcome.pick),
        "first_verdict": None if outcome.verdict is None else attrs.asdict(outcome.verdict),
        **{key: value for key, value in outcome.data.items() if key != "schema"},
    }
