"""Two runs on one page: A is what there was, B what is proposed.

Made for runs on common random numbers: the same seed, the same clients, one thing changed.
"""

from collections.abc import Iterator, Sequence

import attrs

from trio_lb.sim.durations import duration
from trio_lb.sim.report import plots, tables
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.lines import LEGEND, Line, lines_of, unknown_said
from trio_lb.sim.report.overlay import OF_SERVERS, differences, measures, overlaid
from trio_lb.sim.report.page import dialog, document, plots_of
from trio_lb.sim.report.pairs import SHARES, Pair, Pairs
from trio_lb.sim.report.svg import LEFT, RIGHT, TimeAxis, safe, tag


def comparison_json(a: Figures, b: Figures) -> dict[str, object]:
    """Return the comparison as ``json.dumps`` can write it; docs/simulation/report.md has the keys."""
    pairs = Pairs.of(a, b)
    plain = attrs.asdict(pairs, filter=lambda field, _: field.name != "outcomes")
    outcomes = [{"a": one, "b": two, "count": n} for (one, two), n in pairs.outcomes.items()]
    lines = {
        line.name: {
            "a": line.values[0],
            "b": line.values[1],
            "verdict": line.verdict,
            "comparable": line.comparable,
        }
        for line in lines_of(a, b)
    }
    more = {"rescued": pairs.rescued, "lost": pairs.lost, "outcomes": outcomes}
    return {"schema": 1, "figures": lines, "pairs": plain | more}


def comparison_page(a: Figures, b: Figures, *, story: str = "", command: str = "") -> str:
    """Return two runs as one HTML page that needs nothing else.

    ``story`` is what was played in both, ``command`` what compares them again.

    Raises:
      ValueError: the runs are of different lengths.
    """
    pairs = Pairs.of(a, b)
    axis = TimeAxis(max(a.end, b.end))
    faults = [plots.faults(a, axis)]
    if [f.begin for f in a.tally.faults] != [f.begin for f in b.tally.faults]:
        other = plots.faults(b, axis)
        faults.append(attrs.evolve(other, key="faults-b", title="Faults of B"))
    told = a.servers_told or b.servers_told
    drawn = [each for each in measures() if told or each.key not in OF_SERVERS]
    panels = [*faults, *(overlaid(measure, (a, b), axis) for measure in drawn)]
    longer = max((a, b), key=lambda figures: figures.end)
    body = (
        tag("header", heading(a, b, pairs, story) + again(command))
        + plots_of(panels, longer, axis)
        + tag("h2", "The same requests in both runs")
        + tag("p", safe(pairs_said(pairs)), class_="note")
        + differences(pairs)
        + tag("section", words_of(a, b, pairs), class_="words")
        + dialog()
    )
    data = {
        "end": axis.end,
        "step": a.tally.grid.step,
        "left": LEFT,
        "right": RIGHT,
        "panels": {p.key: [s.to_data() for s in p.series] for p in panels if p.series},
        "lives": [],
    }
    return document(f"{a.facts.name} and {b.facts.name}", body, data)


def heading(a: Figures, b: Figures, pairs: Pairs, story: str = "") -> str:
    """Return who is compared, and whether they may be."""
    names = " ".join(
        tag("span", safe(letter), class_=f"letter {class_}") + " " + safe(figures.facts.name)
        for letter, class_, figures in (("A", "c-a", a), ("B", "c-b", b))
    )
    seeds = f"seed {a.facts.seed}" if a.facts.seed == b.facts.seed else (
        f"seeds {a.facts.seed} and {b.facts.seed}"
    )  # fmt: skip
    told = f"{story}, {seeds}" if story else seeds
    title = tag("h1", names + " " + tag("span", safe(told), class_="seed"))
    return (
        title
        + verdicts(a, b)
        + "".join(
            tag("p", tag("strong", safe(warning), class_="vacuous"), class_="verdict")
            for warning in warnings(a, b, pairs)
        )
    )


def warnings(a: Figures, b: Figures, pairs: Pairs) -> Iterator[str]:
    """Yield why the page shows less than it seems to."""
    if not pairs.is_common:
        yield "The runs were not offered the same requests: differences of pairs are chance too."
    for letter, figures in (("A", a), ("B", b)):
        missed = figures.facts.missed
        if missed:
            yield f"{letter} is vacuous, never reached: {', '.join(missed)}."
        yield from (f"{letter} is vacuous: {why}." for why in figures.facts.vain)


def verdicts(a: Figures, b: Figures) -> str:
    """Return which checks were broken in one run only, and which in both."""
    in_a, in_b = (
        [verdict.name for verdict in figures.facts.verdicts if not verdict.ok] for figures in (a, b)
    )
    said = [
        tag("strong", safe(f"{title}: {', '.join(names)}"), class_=kind)
        for title, kind, names in (
            ("broken by A only", "good", [name for name in in_a if name not in in_b]),
            ("broken by B only", "bad", [name for name in in_b if name not in in_a]),
            ("broken by both", "bad", [name for name in in_a if name in in_b]),
        )
        if names
    ]
    held = tag("strong", "all checks held with both", class_="good")
    return tag("p", "".join(said) or held, class_="verdict")


def again(command: str) -> str:
    """Return the command that makes the page again."""
    return tag("p", tag("code", safe(command)), class_="note") if command else ""


def pairs_said(pairs: Pairs) -> str:
    """Return the pairs in a few sentences."""
    return (
        f"{pairs.compared:,} requests were good in both: {pairs.faster:,} faster in B,"
        f" {pairs.slower:,} slower, {pairs.same:,} the same; {signed(pairs.mean_ns)} on average."
        f" {pairs.rescued:,} failed in A only, {pairs.lost:,} in B only."
        f" {pairs.unpaired:,} have no pair."
    )


def signed(ns: float) -> str:
    """Return a difference with its sign."""
    return f"{'-' if ns < 0 else '+'}{duration(abs(ns))}"


def words_of(a: Figures, b: Figures, pairs: Pairs) -> str:
    """Return the tables."""
    parts = (
        figures_table(lines_of(a, b)),
        matrix_table(pairs),
        quantiles_table(pairs),
        load_table(a, b),
        pairs_table(pairs.losses, "Slowed down the most"),
        pairs_table(pairs.gains, "Sped up the most"),
        tables.run_facts(a),
        tables.run_facts(b),
    )
    return "".join(tag("section", part) for part in parts if part)


def figures_table(lines: Sequence[Line]) -> str:
    """Return the figures of both runs."""
    rows = [
        (safe(line.name), line.said(line.values[0]), line.said(line.values[1]),
         tag("span", safe(line.change), class_=line.verdict or None))
        for line in lines
    ]  # fmt: skip
    notes = [LEGEND, *unknown_said(lines)]
    legend = "".join(tag("p", safe(note), class_="note") for note in notes)
    return tables.table(("", "A", "B", "change"), rows, caption="Figures") + legend


def matrix_table(pairs: Pairs) -> str:
    """Return what became in B of each outcome in A."""
    befores = sorted({before for before, _ in pairs.outcomes})
    afters = sorted({after for _, after in pairs.outcomes})
    rows = [
        (safe(before), *(f"{pairs.outcomes.get((before, after), 0):,}" for after in afters))
        for before in befores
    ]
    heads = ("in A, then in B:", *afters)
    return tables.table(heads, rows, caption="Outcomes of the same requests")


def quantiles_table(pairs: Pairs) -> str:
    """Return the quantiles of the differences."""
    rows = [[signed(ns) for ns in pairs.quantiles_ns]]
    heads = [f"p{share * 100:g}" for share in SHARES]
    return tables.table(heads, rows, caption="B's latency minus A's")


def load_table(a: Figures, b: Figures) -> str:
    """Return each server's load over its fair share in both runs."""
    ratios = [{s.server.name: s.times_fair for s in figures.load.shares} for figures in (a, b)]
    names = list(dict.fromkeys([*ratios[0], *ratios[1]]))
    rows = [
        (safe(name), *(f"{ratio[name]:.2f}×" if name in ratio else "–" for ratio in ratios))
        for name in names
    ]
    return (
        tables.table(("server", "A", "B"), rows, caption="Load over the fair share") if rows else ""
    )


def pairs_table(pairs: Sequence[Pair], caption: str) -> str:
    """Return single requests with their latencies in both runs."""
    rows = [
        (f"{pair.req}", duration(pair.ns[0]), duration(pair.ns[1]), signed(pair.difference_ns))
        for pair in pairs
    ]
    return tables.table(("request", "A", "B", "change"), rows, caption=caption) if rows else ""
