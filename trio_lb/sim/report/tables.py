"""The words and tables of the page: what was checked, what went wrong, who got what."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from trio_lb.sim.durations import duration
from trio_lb.sim.report.charts import left_out
from trio_lb.sim.report.data import Verdict
from trio_lb.sim.report.figures import Figures, Latency
from trio_lb.sim.report.sample import Life
from trio_lb.sim.report.summary import NO_REQUESTS, percent, quantile_names
from trio_lb.sim.report.svg import clock, rect, safe, tag
from trio_lb.sim.sentences import sentence_of

MOST_ROWS: Final = 200
"""Rows of one table; the rest is counted under it."""


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, class_: str = ""
) -> str:
    """Return a table of cells that are HTML already."""
    listed = list(rows)
    head = tag("tr", "".join(tag("th", safe(name), scope="col") for name in heads))
    body = "".join(
        tag("tr", "".join(tag("td", cell) for cell in row)) for row in listed[:MOST_ROWS]
    )
    more = len(listed) - MOST_ROWS
    note = tag("p", f"and {more} more", class_="note") if more > 0 else ""
    inside = tag("caption", safe(caption)) + tag("thead", head) + tag("tbody", body)
    return tag("div", tag("table", inside, class_=class_ or None) + note, class_="table")


def instant(at: float | None) -> str:
    """Return a link that takes the crosshair to an instant; a dash for none."""
    if at is None:
        return "–"
    return tag("a", safe(clock(at)), href="#plots", class_="instant", data_at=f"{at:.9g}")


def request(req: int, figures: Figures) -> str:
    """Return a button that opens a request's life; only its number if that was not kept."""
    if not req:
        return "–"
    kept = any(life.req == req for life in figures.tally.sample.chosen())
    if not kept:
        return f"{req}"
    return tag("button", f"{req}", type="button", data_req=req)


# ------------------------------------------------------------------ checks

UNJUDGED: Final = (
    "Read from a trace: it does not hold what the checks said, which points were reached, and"
    " open connections. Whoever makes the run again has them."
)


def verdict_line(figures: Figures) -> str:
    """Return in one sentence whether the run was good, and whether it tested what it says."""
    facts = figures.facts
    if not facts.judged:
        return tag("p", tag("strong", safe(UNJUDGED), class_="vacuous"), class_="verdict")
    broken = sum(not verdict.ok for verdict in facts.verdicts)
    count = len(facts.verdicts)
    checks = (
        f"{broken} of {plural(count, 'check')} violated"
        if broken
        else f"{'all ' if count > 1 else ''}{plural(count, 'check')} held"
    )
    checks = checks if facts.verdicts else "nothing was checked"
    kind = "bad" if broken else "good" if facts.verdicts else "vacuous"
    said = tag("strong", safe(checks), class_=kind)
    if facts.missed:
        count = len(facts.missed)
        points = "1 point of coverage was" if count == 1 else f"{count} points of coverage were"
        said += " " + tag("strong", f"vacuous: {points} never reached", class_="vacuous")
    for why in [*facts.vain, *([facts.late] if facts.late else [])]:
        said += " " + tag("strong", safe(why), class_="vacuous")
    return tag("p", said, class_="verdict")


def plural(count: int, noun: str) -> str:
    """Return ``1 check``, ``2 checks``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def checks(figures: Figures) -> str:
    """Return the table of checks: a row for each that was violated, the others by name."""
    verdicts = figures.facts.verdicts
    rows = [
        (
            tag("span", "✗ violated", class_="bad"),
            safe(verdict.name),
            f"{verdict.violations:,}",
            safe(verdict.first),
            instant(verdict.at),
            request(verdict.req, figures),
        )
        for verdict in verdicts
        if not verdict.ok
    ]
    heads = ("", "check", "violations", "the first", "at", "request")
    broken = table(heads, rows, caption="Checks", class_="checks") if rows else ""
    return broken + held([verdict for verdict in verdicts if verdict.ok], titled=not rows)


def held(verdicts: Sequence[Verdict], *, titled: bool) -> str:
    """Return the names of the checks that held: they need no row each."""
    names = "".join(tag("li", "✓ " + safe(verdict.name)) for verdict in verdicts)
    title = tag("h2", "Checks") if titled else ""
    return title + tag("ul", names, class_="held", aria_label="held") if verdicts else ""


def coverage(figures: Figures) -> str:
    """Return which points were reached; those that were not come first, and loudly."""
    points = sorted(figures.facts.coverage, key=lambda point: point.at is not None)
    rows = [
        (
            safe(point.name),
            instant(point.at)
            if point.at is not None
            else tag("strong", "never: vacuous", class_="vacuous"),
        )
        for point in points
    ]
    return table(("point", "first reached"), rows, caption="Coverage") if rows else ""


# ------------------------------------------------------------------ faults and servers


def faults(figures: Figures) -> str:
    """Return what was done to the world, and what each fault cost."""
    rows = [
        (
            safe(fault.kind),
            safe(fault.target),
            safe(arguments(fault.args)),
            instant(fault.begin),
            instant(fault.end) if fault.end is not None else "stayed",
            f"{fault.failures:,}",
            duration(fault.failover * 1e9) if fault.failures else "–",
        )
        for fault in figures.tally.faults
    ]
    heads = ("fault", "of", "with", "from", "to", "failed requests", "failover")
    never = len(figures.facts.faults) - len(figures.tally.faults)
    note = tag("p", f"{never} planned faults never began", class_="vacuous") if never > 0 else ""
    return table(heads, rows, caption="Faults", class_="faults") + note if rows or note else ""


def arguments(args: str) -> str:
    """Return a fault's arguments as ``x 20, fin yes``; text that is no JSON as it is."""
    try:
        found = json.loads(args or "{}")
        return ", ".join(f"{name} {argument(value)}" for name, value in found.items())
    except (ValueError, AttributeError):
        return args


def argument(value: object) -> str:
    """Return one argument: 40.0 is 40, and true is yes."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def servers(figures: Figures) -> str:
    """Return how the load lay on the servers, against the best that could be."""
    load = figures.load
    widest = max((max(share.got, share.fair) for share in load.shares), default=0.0) or 1.0
    rows = [
        (
            safe(share.server.name),
            f"{share.taken:,}",
            f"{share.got:.1%}",
            f"{share.fair:.1%}",
            share_bar(share.got / widest, share.fair / widest),
            f"{sum(share.server.failed):,}",
            f"{max(share.server.present.peaks):,}",
            f"{max(share.server.queued.peaks):,}",
        )
        for share in load.shares
    ]
    heads = ("server", "requests", "share", "fair", "", "errors", "most at once", "longest queue")
    says = (
        f"Worst {load.worst:.2f} times its fair share; Jain's index {load.jain:.3f}; "
        f"{load.misplaced_fraction:.1%} of the requests would have to move. {left_out(figures)}"
    )
    return table(heads, rows, caption="Load against the optimum", class_="servers") + tag(
        "p", safe(says), class_="note"
    )


def share_bar(got: float, fair: float) -> str:
    """Return a bar for what a server got and a tick for what was fair."""
    inside = rect(0, 3, 120 * got, 8, "share-bar") + rect(
        120 * fair - 0.75, 0, 1.5, 14, "share-fair"
    )
    return tag("svg", inside, viewBox="0 0 122 14", width=122, height=14, aria_hidden="true")


# ------------------------------------------------------------------ requests and the run


def requests(lives: Sequence[Life]) -> str:
    """Return the requests whose lives were kept; each opens when its number is pressed."""
    rows = [
        (
            tag("button", f"{life.req}", type="button", data_req=life.req),
            safe(clock(life.begin)),
            duration(life.ns) if life.ns >= 0 else "not over",
            outcome(life),
            safe(last_words(life)),
        )
        for life in sorted(lives, key=lambda life: (life.ok, -life.ns, life.req))
    ]
    heads = ("request", "began", "took", "outcome", "in the end")
    inside = table(heads, rows, caption="", class_="requests")
    count = f"{len(rows)} requests, step by step: those that failed, and the slowest"
    return tag("details", tag("summary", count) + inside)


def outcome(life: Life) -> str:
    """Return how it ended."""
    if life.ns < 0:
        return "–"
    return tag(
        "span", "good" if life.ok else safe(life.reason), class_="good" if life.ok else "bad"
    )


def last_words(life: Life) -> str:
    """Return the last thing that somebody else than the client told of it."""
    told = [step for step in life.steps if step.entity != life.steps[0].entity]
    return f"{told[-1].entity}: {sentence_of(told[-1].what.name, told[-1].values)}" if told else ""


def figures_list(figures: Figures) -> str:
    """Return the few numbers that somebody in a hurry wants."""
    if not figures.clients_told:
        return tag("p", safe(NO_REQUESTS), class_="note")
    latency = figures.latency
    pairs = [
        ("requests", f"{figures.totals['offered']:,}"),
        ("good", percent(figures.success_fraction)),
        *zip(quantile_names()[::2], (duration(latency.p50), duration(latency.p99)), strict=True),
        ("p99 without a fault", duration(figures.calm.p99)),
        ("amplification", f"×{figures.amplification:.3f}"),
        ("longest failover", duration(figures.failover * 1e9) if figures.failover else "none"),
        ("longest queue", f"{figures.queue.level:,}"),
    ]
    if not figures.servers_told:
        pairs = [each for each in pairs if each[0] not in ("amplification", "longest queue")]
    return tag("dl", "".join(tag("div", tag("dt", safe(k)) + tag("dd", safe(v))) for k, v in pairs))


def latencies(figures: Figures) -> str:
    """Return the quantiles of good requests, with and without a fault."""
    rows = [
        (name, f"{found.count:,}", *(duration(ns) for ns in quantiles_of(found)))
        for name, found in (
            ("without a fault", figures.calm),
            ("with one", figures.faulty),
            ("all", figures.latency),
        )
    ]
    heads = ("good requests", "count", *quantile_names(), "slowest")
    return table(heads, rows, caption="Latency")


def quantiles_of(latency: Latency) -> tuple[int, ...]:
    """Return p50, p90, p99, p99.9 and the most."""
    return (latency.p50, latency.p90, latency.p99, latency.p999, latency.most)


def errors(figures: Figures) -> str:
    """Return why requests failed."""
    rows = [(safe(reason), f"{count:,}") for reason, count in figures.errors.items()]
    return table(("reason", "requests"), rows, caption="Failures") if rows else ""


def run_facts(figures: Figures) -> str:
    """Return what the run was made of, and how to have it again."""
    facts = figures.facts
    pairs = [
        ("seed", str(facts.seed)),
        ("schedule", facts.schedule),
        ("time", f"{clock(facts.until)} with faults, {clock(facts.settle)} after"),
        ("bucket", duration(figures.tally.grid.step * 1e9)),
        ("versions", ", ".join(f"{name} {number}" for name, number in facts.versions.items())),
        ("trace", facts.trace_hash),
        ("replay", facts.command),
    ]
    rows = [(safe(name), tag("code", safe(value))) for name, value in pairs if value]
    return table(("", ""), rows, caption="The run", class_="facts")
