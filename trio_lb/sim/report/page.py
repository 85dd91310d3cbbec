"""The report as one HTML file: no library, no network, no second file.

    Figures --plots, charts--> panels --+
            --tables-----------> words --+--> one page; a little script of our own adds the
            --lives------------> data --'    crosshair and the requests' lives

Without the script all plots and tables are there. Whatever the script needs is JSON in the page.
"""

import json
from collections.abc import Sequence
from importlib import resources
from typing import Final

from trio_lb.sim.report import charts, plots, tables
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.panel import Panel, draw
from trio_lb.sim.report.roles import role_of
from trio_lb.sim.report.sample import Life
from trio_lb.sim.report.svg import LEFT, RIGHT, TimeAxis, clock, safe, tag
from trio_lb.sim.sentences import sentence_of

MOST_LIVES_BYTES: Final = 900_000
"""What the lives of requests may take: the whole page stays under 2 MB."""


MOST_NAMED: Final = 6
"""Faults that are named over a request's life."""


def page(figures: Figures) -> str:
    """Return the report of a run as HTML."""
    axis = TimeAxis(figures.end)
    panels = panels_of(figures, axis)
    lives = fitting(figures)
    facts = figures.facts
    body = (
        tag("header", heading(figures))
        + plots_of(panels, figures, axis)
        + tag("section", words_of(figures, lives), class_="words")
        + dialog()
    )
    data = {
        "end": figures.end,
        "step": figures.tally.grid.step,
        "left": LEFT,
        "right": RIGHT,
        "panels": {p.key: [s.to_data() for s in p.series] for p in panels if p.series},
        "lives": [life_data(life, figures) for life in lives],
    }
    return document(f"{facts.name}, seed {facts.seed}", body, data)


def document(title: str, body: str, data: object) -> str:
    """Return a whole HTML document that needs nothing beside itself."""
    head = (
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{safe(title)}</title><style>{asset('page.css')}</style>"
    )
    script = f'<script type="application/json" id="data">{embedded(data)}</script>'
    script += f"<script>{asset('page.js')}</script>"
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{body}\n{script}</body></html>\n'


def asset(name: str) -> str:
    """Return the text of a file beside this one."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def embedded(data: object) -> str:
    """Return JSON that can stand in a script element: nothing in it can end that."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def heading(figures: Figures) -> str:
    """Return the run's name, what came of it, and its few numbers."""
    facts = figures.facts
    faults = tables.plural(len(figures.tally.faults), "fault")
    length = f"{clock(facts.until)} with {faults}, then {clock(facts.settle)} to settle"
    seed = tag("span", safe(f"seed {facts.seed}; {length}"), class_="seed")
    return (
        tag("h1", safe(facts.name) + " " + seed)
        + tables.verdict_line(figures)
        + tables.figures_list(figures)
    )


def panels_of(figures: Figures, axis: TimeAxis) -> list[Panel]:
    """Return the plots from above."""
    told = figures.servers_told
    drawers = (
        plots.faults,
        plots.traffic,
        plots.latency,
        *([plots.amplification] if told else []),
        plots.refusals,
        plots.levels,
        *([charts.heat] if told else []),
        charts.states,
        *([plots.open_connections] if figures.tally.was_counted else []),
        *([plots.connections] if told else []),
    )
    return [drawer(figures, axis) for drawer in drawers]


def plots_of(panels: Sequence[Panel], figures: Figures, axis: TimeAxis) -> str:
    """Return all plots under one crosshair."""
    drawn = "".join(tag("figure", draw(panel, figures, axis)) for panel in panels)
    help_text = (
        "Plots on one axis of time. Left and right arrows move the crosshair, with Shift by ten; "
        "Enter opens the nearest request."
    )
    said = tag("output", "", id="said", aria_live="polite", for_="plots")
    return said + tag("section", drawn, id="plots", tabindex=0, role="group", aria_label=help_text)


def words_of(figures: Figures, lives: Sequence[Life]) -> str:
    """Return the tables."""
    return "".join(
        tag("section", words)
        for words in (
            tables.checks(figures),
            tables.coverage(figures),
            tables.faults(figures),
            tables.servers(figures) if figures.servers_told else "",
            tables.latencies(figures),
            tables.errors(figures),
            tables.requests(lives),
            tables.run_facts(figures),
        )
        if words
    )


def dialog() -> str:
    """Return the empty dialog that shows a request's life."""
    close = tag("button", "Close", type="button", id="close")
    inside = tag("h2", "", id="life-title") + close + tag("div", "", id="life")
    return tag("dialog", inside, id="dialog", aria_labelledby="life-title")


# ------------------------------------------------------------------ lives


def fitting(figures: Figures) -> list[Life]:
    """Return as many lives as may stand in the page; the first ones where not all may."""
    found: list[Life] = []
    room = MOST_LIVES_BYTES
    for life in figures.tally.sample.chosen():
        room -= len(embedded(life_data(life, figures)))
        if room < 0:
            break
        found.append(life)
    return found


def life_data(life: Life, figures: Figures) -> dict[str, object]:
    """Return what the script shows: steps as [µs since arrival, who, its role, what]."""
    end = life.end if life.ns >= 0 else figures.end
    faults = [
        f"{fault.kind} {fault.target}"
        for fault in figures.tally.faults
        if fault.begin <= end and figures.fault_end(fault) >= life.begin
    ]
    return {
        "req": life.req,
        "at": round(life.begin, 9),
        "end": round(life.end, 9),
        "ok": life.ok,
        "over": life.ns >= 0,
        "reason": life.reason,
        "faults": faults[:MOST_NAMED],
        "steps": [
            [
                round((step.at - life.begin) * 1e6, 3),
                step.entity,
                role_of(step.what),
                sentence_of(step.what.name, step.values),
            ]
            for step in life.steps
        ],
    }
