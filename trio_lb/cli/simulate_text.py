"""What ``trio-lb simulate`` says, as text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from trio_lb.cli.simulate_options import Asked
from trio_lb.config.kinds import show
from trio_lb.sim.result import Result
from trio_lb.sim.scenario import Scenario
from trio_lb.sim.search.explore import Exploration, Finding
from trio_lb.sim.sweep.failure import Small
from trio_lb.sim.vain import NOBODY_ASKED

LOOK: Final = " --html out.html --trace run.jsonl"
"""What makes a command show the run that it makes."""


def catalogue(scenarios: Sequence[Scenario]) -> str:
    """Return a line for each scenario, by its number, and its options below it."""
    width = max(len(each.name) for each in scenarios)
    lines: list[str] = []
    for each in sorted(scenarios, key=lambda each: (each.number or 1000, each.name)):
        number = str(each.number) if each.number else "-"
        lines.append(f"{number:>2}  {each.name:<{width}}  {each.summary}")
        if each.options:
            lines.append(f"{'':{width + 6}}{_options(each)}")
    return "\n".join(lines)


def _options(scenario: Scenario) -> str:
    """Return the options with their defaults, and what else they may be."""
    limits = {key: f" ({limit.brief})" for key, limit in scenario.limits.items()}
    options = scenario.options.items()
    return "--option " + ", ".join(
        f"{key}={_plain(value)}{limits.get(key, '')}" for key, value in options
    )


def _plain(value: object) -> str:
    return value if isinstance(value, str) else show(value)


def one_run(result: Result, *, ascii_only: bool = False) -> str:
    """Return what came of one run: its figures, its verdict, how to see more of it."""
    lines = [result.summary(ascii_only=ascii_only), *verdict(result)]
    if not result.ok:
        lines.append(f"to look at it: {result.command}{LOOK}")
    return "\n".join(lines)


def verdict(result: Result) -> Iterator[str]:
    """Yield the hash, and whether all held; else what was broken, the first one first."""
    yield f"trace {result.trace_hash}, {plural(result.happenings, 'happening')}"
    if result.ok:
        so = ", which shows little: the run is vacuous" if result.is_vacuous else ""
        yield f"all {plural(len(result.verdicts), 'check')} held{so}"
        return
    broken = sum(not each.ok for each in result.verdicts)
    yield f"{broken} of {plural(len(result.verdicts), 'check')} broken:"
    yield from (f"  {violation}" for violation in result.violations)


def plural(count: int, noun: str) -> str:
    """Return ``1 seed`` or ``2 seeds``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# ------------------------------------------------------------------ many seeds

MOST_LISTED: Final = 20
"""So many failed seeds are listed; the others are counted."""


def many_runs(asked: Asked, explored: Exploration, wanted: Sequence[str]) -> str:
    """Return what came of many seeds: how many held, which failed and how, what was reached."""
    lines = [_headline(asked, explored, wanted)]
    failures = explored.failures
    lines += [f"  seed {each.trial.seed}: {first_of(each)}" for each in failures[:MOST_LISTED]]
    if len(failures) > MOST_LISTED:
        lines.append(f"  and {len(failures) - MOST_LISTED} more")
    lines += _coverage(explored, wanted)
    lines += [asked.sweep.late] if asked.sweep.late else []
    lines += [f"VACUOUS: {why}" for why in vain(asked, explored)]
    if asked.args.emit is not None and not failures:
        lines.append(f"nothing failed, so no test was written to {asked.args.emit}")
    if failures:
        command = asked.command(failures[0].trial.seed)
        lines.append(f"to look at it: {command}{LOOK}")
    return "\n".join(lines)


def _headline(asked: Asked, explored: Exploration, wanted: Sequence[str]) -> str:
    first, count = asked.sweep.base.seed, asked.sweep.count
    name = asked.scenario.name
    seeds = f"seed {first}" if count == 1 else f"seeds {first} to {first + count - 1}"
    done, failed = len(explored.findings), len(explored.failures)
    held = f"{done - failed:,} held" if failed else f"all {done:,} held"
    held += _agreed(explored) if asked.args.twins and done > failed else ""
    vacuous = sum(each.outcome.ok and bool(unreached(each, wanted)) for each in explored.findings)
    held += f" ({vacuous:,} of them vacuous)" if vacuous else ""
    came = f"{held}, {failed:,} failed" if failed else held
    if explored.interrupted:
        return f"{name}, {seeds}: interrupted after {done:,} of {count:,}: {came}"
    return f"{name}, {seeds}: {came}"


def _agreed(explored: Exploration) -> str:
    """Say that both processes of each seed gave one trace; of a single seed, which."""
    if len(explored.findings) > 1:
        return " (each in two processes, with the same trace)"
    (only,) = explored.findings
    return f" (two processes, the same trace: hash {only.outcome.trace_hash})"


def first_of(finding: Finding) -> str:
    """Return what was broken first, in one line, and how many checks besides."""
    violations = finding.outcome.violations
    check, says = next(iter(violations.items()))
    line = next(iter(says.splitlines()), "").removeprefix(f"seed {finding.trial.seed}: ")
    more = f" (and {plural(len(violations) - 1, 'check')} more)" if len(violations) > 1 else ""
    return f"{line if check in line else f'{check}: {line}'}{more}"


def _coverage(explored: Exploration, wanted: Sequence[str]) -> Iterator[str]:
    """How many seeds reached each point; a point that none did makes the search vacuous."""
    reached = Counter(point for each in explored.findings for point in each.outcome.coverage)
    for point in wanted:
        if reached[point]:
            yield f"  reached by {reached[point]:,} of {len(explored.findings):,}: {point}"
    never = missed(explored, wanted)
    if never:
        yield f"VACUOUS: never reached: {', '.join(never)}"


def unreached(finding: Finding, wanted: Sequence[str]) -> list[str]:
    """Return the points that one seed did not reach."""
    return [point for point in wanted if point not in finding.outcome.coverage]


def missed(explored: Exploration, wanted: Sequence[str]) -> list[str]:
    """Return the points that no seed reached; a search that did nothing has missed none."""
    if not explored.findings:
        return []
    reached = {point for each in explored.findings for point in each.outcome.coverage}
    return [point for point in wanted if point not in reached]


def vain(asked: Asked, explored: Exploration) -> list[str]:
    """Return why nothing could go wrong in any seed."""
    counts = [each.outcome.digest.get("requests", 1) for each in explored.findings]
    quiet = [NOBODY_ASKED] if counts and not any(counts) else []
    return [*quiet, *asked.sweep.vain]


def small_text(small: Small, path: str | None) -> str:
    """Return what is left of a failure, and the test, or where it was written."""
    before, after = small.before, small.shrunk.trial
    end = "" if small.shrunk.finished else "; stopped there, more might go"
    line = (
        f"seed {after.seed} made small in {plural(small.shrunk.runs, 'run')}:"
        f" {len(after.faults)} of {plural(len(before.faults), 'fault')},"
        f" {after.until:g} of {before.until:g} s{end}"
    )
    if not small.test:
        return f"{line}\n  {small.shrunk.says}"
    return f"{line}\nthe test is in {path}" if path else f"{line}\n\n{small.test.rstrip()}"


def many_runs_data(
    asked: Asked, explored: Exploration, wanted: Sequence[str], small: Small | None
) -> dict[str, object]:
    """Return the same for a program; a seed that was not done is not in it."""
    return {
        "schema": 1,
        "scenario": asked.scenario.name,
        "first_seed": asked.sweep.base.seed,
        "count": asked.sweep.count,
        "interrupted": explored.interrupted,
        "seeds": [
            {
                "seed": each.trial.seed,
                "ok": each.outcome.ok,
                **each.outcome.to_data(),
                "vacuous": unreached(each, wanted),
                "command": asked.command(each.trial.seed),
            }
            for each in explored.findings
        ],
        "missed": [*missed(explored, wanted), *vain(asked, explored)],
        "small": None if small is None else _small_data(small),
    }


def _small_data(small: Small) -> dict[str, object]:
    return {
        "check": small.shrunk.check,
        "says": small.shrunk.says,
        "runs": small.shrunk.runs,
        "finished": small.shrunk.finished,
        "trial": small.shrunk.trial.to_data(),
        "test": small.test,
    }
