"""A run's figures, and whether they keep the limits."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from benchmarks.ledger.checker import Case, join
from benchmarks.ledger.records import Kind, Outcome
from benchmarks.ledger.scenarios import Limits
from benchmarks.ledger.stage import LOAD, SERVERS, Run


@attrs.frozen
class Figures:
    """What the clients of a run saw. Seconds are NaN where nothing was there to measure."""

    requests: int
    idempotent_errors: int
    post_errors: int
    errors_by_kind: Mapping[str, int]
    lost: int
    """Requests that a server saw and whose client got no answer at all."""
    refused: int
    """Connections refused while no listener was promised; no errors."""
    raced: int
    """Requests that met the end of their connection after the signal to stop, without a byte
    of an answer and unseen by any server: the proxy closed it as idle, or the kernel reset
    it with the listener's backlog, when they were on their way. RFC 9112 §9.3.1 knows no
    cure, so they are no errors; a proxy that looks once more before it closes has few."""
    p50_seconds: float
    p99_seconds: float
    longest_seconds: float
    error_p99_seconds: float
    burst_fraction: float
    """Errors, as a share of what one server of three would have made of the burst."""
    recovery_seconds: float
    """From the first server that was back to the end of the first good answer."""
    stop_seconds: float
    """From the signal to the proxy's end."""
    exit_code: int | None
    violations: int
    broken: Sequence[str]
    """The names of the rules that were broken."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON, which has no NaN."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in attrs.asdict(self).items()
        }


def figures_of(run: Run) -> Figures:
    """Count and measure a run's load; readiness and warm-up are left out."""
    cases = [case for case in join(run.books).values() if case.intent.id.startswith(LOAD)]
    seen = [(case, case.outcome) for case in cases if case.outcome is not None]
    stop = run.books.promised_until
    failed = [
        (case, outcome)
        for case, outcome in seen
        if not (outcome.is_good or _is_refused(outcome, stop) or _is_raced(case, outcome, stop))
    ]
    good = [outcome.seconds for _, outcome in seen if outcome.is_good]
    return Figures(
        requests=len(cases),
        idempotent_errors=sum(case.is_idempotent for case, _ in failed),
        post_errors=sum(not case.is_idempotent for case, _ in failed),
        errors_by_kind=Counter(_kind(outcome) for _, outcome in failed),
        lost=sum(_is_lost(case, outcome) for case, outcome in seen),
        refused=sum(_is_refused(outcome, stop) for _, outcome in seen),
        raced=sum(_is_raced(case, outcome, stop) for case, outcome in seen),
        p50_seconds=percentile(good, 0.50),
        p99_seconds=percentile(good, 0.99),
        longest_seconds=max(good, default=math.nan),
        error_p99_seconds=percentile([outcome.seconds for _, outcome in failed], 0.99),
        burst_fraction=_burst_fraction(run, cases, len(failed)),
        recovery_seconds=_recovery(run),
        stop_seconds=run.marks.get("stopped", math.nan) - run.marks.get("stop", math.nan),
        exit_code=run.exit_code,
        violations=len(run.violations),
        broken=sorted({each.rule.name for each in run.violations}),
    )


def misses(figures: Figures, limits: Limits) -> Iterator[str]:
    """Each limit that is not kept, in words."""
    if figures.violations:
        yield f"{figures.violations} violations"
    if figures.exit_code != 0:
        yield f"exit_code {figures.exit_code}, allowed 0"
    for field in attrs.fields(Limits):
        limit, figure = getattr(limits, field.name), getattr(figures, field.name)
        # Not `figure > limit`: a figure that could not be measured keeps no limit.
        if limit is not None and not figure <= limit and not _is_moot(field.name, figures):
            yield f"{field.name} {figure:.4g}, allowed {limit:g}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all are not above."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _is_moot(name: str, figures: Figures) -> bool:
    """Without a single error there is no time of errors to limit."""
    errors = figures.idempotent_errors + figures.post_errors
    return name == "error_p99_seconds" and not errors


def _is_refused(outcome: Outcome, stop: float) -> bool:
    return outcome.kind is Kind.REFUSED and outcome.at >= stop


def _is_raced(case: Case, outcome: Outcome, stop: float) -> bool:
    return outcome.kind is Kind.DROPPED and outcome.at >= stop and not case.begun


def _is_lost(case: Case, outcome: Outcome) -> bool:
    return case.begun > 0 and outcome.kind is not Kind.ANSWERED


def _kind(outcome: Outcome) -> str:
    return str(outcome.status) if outcome.kind is Kind.ANSWERED else str(outcome.kind)


def _burst_fraction(run: Run, cases: Sequence[Case], errors: int) -> float:
    start, end = run.marks.get("burst"), run.marks.get("burst_over")
    if start is None or end is None:
        return math.nan
    during = sum(start <= case.intent.at <= end for case in cases)
    return errors / (during / SERVERS) if during else math.nan


def _recovery(run: Run) -> float:
    up = run.marks.get("up")
    if up is None:
        return math.nan
    good = (each.at for each in run.books.outcomes if each.is_good and each.at >= up)
    return min(good, default=math.inf) - up
