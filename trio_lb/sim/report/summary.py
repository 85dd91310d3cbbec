"""The same figures for a terminal and for programs."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from trio_lb.sim.durations import duration
from trio_lb.sim.report.figures import Figures, Latency
from trio_lb.sim.report.tally import SHARES

SCHEMA: Final = 1
"""The version of the JSON; keys are only ever added while it stays."""

MOST_LINES: Final = 40
"""What fits on one screen."""

BLOCKS: Final = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS: Final = "_.-=+*%#"

NO_REQUESTS: Final = "no requests of the simulator's clients; what programs ask is not counted"

WIDTH: Final = 60
"""Characters in a sparkline."""

_LISTED: Final = 6
"""Rows of one sort that are listed before the rest is counted."""


@attrs.frozen(slots=True)
class Signs:
    """What cannot be said in ASCII, and what stands for it there."""

    blocks: str = BLOCKS
    good: str = "✓"
    bad: str = "✗"


PLAIN: Final = Signs(ASCII_BLOCKS, "ok", "NO")


def summary(figures: Figures, *, ascii_only: bool = False) -> str:
    """Return at most 40 lines of plain text; ``ascii_only`` for terminals without Unicode."""
    signs = PLAIN if ascii_only else Signs()
    lines = [
        *headline(figures),
        "",
        *sparklines(figures, signs),
        "",
        *fault_lines(figures),
        *server_lines(figures),
        *check_lines(figures, signs),
    ]
    text = "\n".join(lines[:MOST_LINES]) + "\n"
    return text.encode("ascii", "replace").decode() if ascii_only else text


def headline(figures: Figures) -> list[str]:
    """Who the run was, and what came of it in three lines."""
    facts, totals = figures.facts, figures.totals
    errors = ", ".join(f"{count} {reason}" for reason, count in list(figures.errors.items())[:4])
    told = figures.servers_told
    amplified = f"; amplification {figures.amplification:.2f}" if told else ""
    title = f"{facts.name}: seed {facts.seed}, {figures.end:g} s, schedule {facts.schedule}"
    if not figures.clients_told:
        return [title, f"  {NO_REQUESTS}"]
    lines = [
        title,
        f"  {totals['offered']:,} requests, {percent(figures.success_fraction)} good"
        f"{', ' + errors if errors else ''}, {figures.unfinished} not over",
        f"  {latency_text(figures.latency)}{amplified};"
        f" failover {f'{figures.failover:.3g} s' if figures.failover else 'none'}",
        *_beside(figures),
        f"  longest queue {figures.queue.level}"
        f"{f' at {figures.queue.where}' if figures.queue.where else ''};"
        f" load: worst {figures.load.worst:.2f} x fair, Jain {figures.load.jain:.3f}",
    ]
    return lines if told else lines[:-1]


def _beside(figures: Figures) -> list[str]:
    """What a fault costs whoever is served while it is on; nothing, if none was on, or always one."""
    calm, faulty = figures.calm, figures.faulty
    if not (calm.count and faulty.count):
        return []
    return [
        f"  p99 without a fault {duration(calm.p99)} of {calm.count:,},"
        f" with one {duration(faulty.p99)} of {faulty.count:,}"
    ]


def latency_text(latency: Latency) -> str:
    """The quantiles in words."""
    of = (latency.p50, latency.p90, latency.p99, latency.p999)
    named = (f"{name} {duration(ns)}" for name, ns in zip(quantile_names(), of, strict=True))
    return ", ".join(named)


def quantile_names() -> list[str]:
    """Return p50, p90, p99, p99.9."""
    return [f"p{share * 100:g}" for share in SHARES]


def percent(fraction: float) -> str:
    """Return a share of requests; 100 % only if not one is missing."""
    return "100%" if fraction == 1.0 else f"{min(fraction, 0.99999):.3%}"


def amount(value: float) -> str:
    """Return a count or a rate: whole from a hundred on, else three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def sparklines(figures: Figures, signs: Signs) -> list[str]:
    """A row for each of what matters, on one axis of time."""
    tally, step = figures.tally, figures.tally.grid.step
    used = slice(figures.buckets)
    p99 = [0 if each is None else each[2] for each in tally.quantiles[used]]
    counts = {name: column[used] for name, column in tally.columns.items()}
    rows: list[tuple[str, Sequence[float], str]] = [
        ("offered", counts["offered"], per_second(counts["offered"], step)),
        ("good", counts["good"], per_second(counts["good"], step)),
        ("failed", counts["failed"], per_second(counts["failed"], step)),
        ("p99", p99, f"peak {duration(max(p99))}"),
        ("waiting", tally.waiting.peaks[used], f"peak {figures.waiting.level}"),
        ("retries", counts["retries"], per_second(counts["retries"], step)),
    ]
    return [
        f"  {name:>8} {sparkline(column, signs.blocks)} {peak}" for name, column, peak in rows
    ] + [f"  {'faults':>8} {fault_marks(figures)}"]


def per_second(column: Sequence[int], step: float) -> str:
    """The highest rate of a column."""
    return f"peak {amount(max(column) / step)}/s"


def sparkline(column: Sequence[float], blocks: str, width: int = WIDTH) -> str:
    """Return peaks of ``column`` as characters, a space for nothing at all."""
    most = max(column, default=0)
    cells = resampled(column, width)
    top = len(blocks) - 1
    return "".join(" " if not cell else blocks[round(cell / most * top)] for cell in cells)


def resampled(column: Sequence[float], width: int) -> list[float]:
    """Return at most ``width`` values, each the peak of what it stands for."""
    width = min(width, len(column))
    edges = [number * len(column) // width for number in range(width + 1)] if width else []
    return [max(column[begin:end]) for begin, end in itertools.pairwise(edges)]


def fault_marks(figures: Figures) -> str:
    """Where faults were on: ``x``; and ``!`` where one began."""
    grid = figures.tally.grid
    cells = [0] * figures.buckets
    for fault in figures.tally.faults:
        begin = min(grid.index(fault.begin), figures.buckets - 1)
        end = grid.index(figures.fault_end(fault))
        cells[begin : end + 1] = [max(1, cell) for cell in cells[begin : end + 1]]
        cells[begin] = 2
    return "".join(" x!"[int(cell)] for cell in resampled(cells, WIDTH)).rstrip()


def fault_lines(figures: Figures) -> list[str]:
    """What each fault did."""
    lines = [
        f"  {fault.kind} {fault.target} {fault.begin:g} s to {figures.fault_end(fault):g} s:"
        f" {fault.failures} failed, failover {fault.failover:.3g} s"
        for fault in figures.tally.faults
    ]
    late = figures.facts.late
    return titled("faults", lines) + ([late] if late else [])


def server_lines(figures: Figures) -> list[str]:
    """Who got what, the most loaded first; nothing where no server told."""
    if not figures.servers_told:
        return []
    shares = sorted(figures.load.shares, key=lambda share: (-share.times_fair, share.server.name))
    lines = [
        f"  {share.server.name}: {share.taken:,} requests, {share.got:.1%} (fair {share.fair:.1%}),"
        f" longest queue {max(share.server.queued.peaks)}"
        for share in shares
    ]
    return titled("servers", lines)


def check_lines(figures: Figures, signs: Signs) -> list[str]:
    """Which checks held; violated ones first, and what was never reached."""
    verdicts = sorted(figures.facts.verdicts, key=lambda verdict: verdict.ok)
    lines = [
        f"  {signs.good} {verdict.name}"
        if verdict.ok
        else f"  {signs.bad} {verdict.name}: {verdict.violations} violations;"
        f" first{'' if verdict.at is None else f' at {verdict.at:g} s'}: {verdict.first}"
        for verdict in verdicts
    ]
    missed = figures.facts.missed
    vacuous = [f"VACUOUS: never reached: {', '.join(missed)}"] if missed else []
    vacuous += [f"VACUOUS: {why}" for why in figures.facts.vain]
    return titled("checks", lines) + vacuous


def titled(title: str, lines: Sequence[str]) -> list[str]:
    """Return a title and the first of the lines; the rest is counted."""
    if not lines:
        return []
    more = len(lines) - _LISTED
    return [title, *lines[:_LISTED], *([f"  and {more} more"] if more > 0 else [])]


# ------------------------------------------------------------------ JSON


def to_json(figures: Figures) -> dict[str, object]:
    """Return what ``json.dumps`` can write; docs/simulation/report.md names every key.

    Times are seconds, latencies nanoseconds, shares in [0, 1]; null stands for never.
    """
    return {
        "schema": SCHEMA,
        "run": run_json(figures),
        "totals": totals_json(figures),
        "checks": [attrs.asdict(verdict) for verdict in figures.facts.verdicts],
        "coverage": [attrs.asdict(point) for point in figures.facts.coverage],
        "faults": [
            attrs.asdict(fault) | {"failover_seconds": fault.failover}
            for fault in figures.tally.faults
        ],
        "planned_faults": [fault.to_data() for fault in figures.facts.faults],
        "servers": servers_json(figures),
        "states": states_json(figures),
        "phases": [{"name": name, "at": at} for name, at in figures.tally.phases],
        "series": series_json(figures),
    }


def run_json(figures: Figures) -> dict[str, object]:
    """Who the run was."""
    facts = figures.facts
    return {
        "name": facts.name,
        "seed": facts.seed,
        "schedule": facts.schedule,
        "until_seconds": facts.until,
        "settle_seconds": facts.settle,
        "versions": dict(facts.versions),
        "trace_hash": facts.trace_hash,
        "command": facts.command,
        "ok": facts.ok,
        "vacuous": [*facts.missed, *facts.vain],
    }


def totals_json(figures: Figures) -> dict[str, object]:
    """The figures of the whole run."""
    return {
        **figures.totals,
        "unfinished": figures.unfinished,
        "success_fraction": figures.success_fraction,
        "amplification": figures.amplification,
        "failover_seconds": figures.failover,
        "latency_ns": attrs.asdict(figures.latency),
        "latency_without_fault_ns": attrs.asdict(figures.calm),
        "latency_with_fault_ns": attrs.asdict(figures.faulty),
        "errors": figures.errors,
        "statuses": dict(sorted(figures.tally.statuses.items())),
        "server_errors": figures.server_errors,
        "longest_queue": attrs.asdict(figures.queue),
        "most_waiting": attrs.asdict(figures.waiting),
        "load": {
            "worst": figures.load.worst,
            "jain": figures.load.jain,
            "misplaced_fraction": figures.load.misplaced_fraction,
        },
    }


def servers_json(figures: Figures) -> list[dict[str, object]]:
    """One record a server."""
    return [
        {
            "name": share.server.name,
            "picked": sum(share.server.picked),
            "taken": share.taken,
            "failed": sum(share.server.failed),
            "share": share.got,
            "fair_share": share.fair,
            "most_present": max(share.server.present.peaks),
            "longest_queue": max(share.server.queued.peaks),
        }
        for share in figures.load.shares
    ]


def states_json(figures: Figures) -> list[dict[str, object]]:
    """One record a span of a state that is out of the ordinary."""
    return [
        {
            "balancer": row.balancer,
            "pool": row.pool,
            "server": row.server,
            "lane": span.lane.value,
            "state": span.state,
            "why": span.why,
            "begin": span.begin,
            "end": span.end,
        }
        for row in figures.tally.bands.rows.values()
        for span in row.spans
    ]


def series_json(figures: Figures) -> dict[str, object]:
    """One list a measure, as long as the run has buckets."""
    tally = figures.tally
    used = figures.buckets
    quantiles: Mapping[str, list[int | None]] = {
        f"{name}_ns": [None if each is None else each[place] for each in tally.quantiles[:used]]
        for place, name in enumerate(quantile_names())
    }
    return {
        "step_seconds": tally.grid.step,
        **{name: column[:used] for name, column in tally.columns.items()},
        "waiting": tally.waiting.peaks[:used],
        "present": tally.present.peaks[:used],
        "queued": tally.queued.peaks[:used],
        "open_clients": tally.open_clients.peaks[:used] if tally.was_counted else None,
        "open_servers": tally.open_servers.peaks[:used] if tally.was_counted else None,
        "latency": quantiles,
        "errors": {reason: column[:used] for reason, column in tally.errors.items()},
    }
