"""A page from a stored trace has the figures of the run itself, and says what it can't know."""

from pathlib import Path

import pytest

from tests.cli import stories
from trio_lb.model.errors import ConfigError
from trio_lb.sim.happening import What
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.page import page
from trio_lb.sim.report.summary import to_json
from trio_lb.sim.report.written import figures_of_trace, happenings
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.trace import Trace, TraceHeader
from trio_lb.sim.trial_run import run_whole

ODD = Trial(f"{stories.__name__}:odd", seed=1, until=6, settle=2)
FLEET = Trial("fleet", seed=3, until=8, settle=4)

UNKNOWN = {
    "run": ["command", "name", "ok"],
    "series": ["open_clients", "open_servers"],
}
"""What a trace does not hold, or holds in other words."""


@pytest.mark.parametrize("trial", [ODD, FLEET], ids=["odd", "fleet"])
def test_its_figures_are_those_of_the_run(trial: Trial, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    result = run_whole(trial, trace=path)
    run, written = to_json(result.figures()), to_json(figures_of_trace(path))
    for part, keys in UNKNOWN.items():
        for data in (run[part], written[part]):
            assert isinstance(data, dict)
            for key in keys:
                del data[key]
    for data in (run, written):
        for key in ("checks", "coverage", "planned_faults"):
            data.pop(key)
        data["totals"].pop("load")  # type: ignore[attr-defined] # They are dictionaries.
        for server in data["servers"]:  # type: ignore[attr-defined] # It is a list of such.
            server.pop("fair_share")  # No trace holds weights, tiers and pools.
    assert rounded(run) == rounded(written)


def test_the_page_says_what_it_can_not_know_and_how_to_know_it(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    run_whole(ODD, trace=path)
    figures = figures_of_trace(path)
    assert figures.facts.name == ODD.scenario
    html = page(figures)
    assert "Read from a trace: it does not hold what the checks said" in html
    assert f"trio-lb replay {path}" in html
    assert 'id="open"' not in html, "nobody looked"
    assert 'id="levels"' in html


def rounded(value: object) -> object:
    """A trace has whole nanoseconds."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return round(value, 8) if isinstance(value, float) else value


def stored(path: Path, *events: tuple[float, What, str, int, tuple[int | str, ...]]) -> Figures:
    """Return the figures of a trace with these events, that no simulation has made."""
    with open(path, "w", newline="\n") as file, Trace(TraceHeader(seed=5), file) as trace:
        for at, what, entity, req, values in events:
            trace.record(at, what, entity, 0, req, *values)
    return figures_of_trace(path)


def test_a_trace_without_phases_ends_with_its_last_event(tmp_path: Path) -> None:
    figures = stored(
        tmp_path / "my.jsonl",
        (0.5, What.ARRIVE, "web", 1, ("GET",)),
        (2.5, What.DONE, "web", 1, (1, 1, 2_000_000_000, "")),
    )
    facts = figures.facts
    assert (facts.name, facts.until, facts.settle, facts.command) == ("my.jsonl", 2.5, 0.0, "")
    assert (figures.totals["good"], figures.latency.most) == (1, 2_000_000_000)


def test_a_trace_of_nothing_has_a_page(tmp_path: Path) -> None:
    assert "my.jsonl" in page(stored(tmp_path / "my.jsonl"))


def test_kinds_of_another_version_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "my.jsonl"
    with open(path, "w", newline="\n") as file, Trace(TraceHeader(seed=5), file) as trace:
        trace.record(0.0, "FUTURE", "x")
        trace.record(1.0, What.ARRIVE, "web", 0, 1, "GET")
    assert [each.what for each in happenings(path)] == [What.ARRIVE]


def test_a_trace_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    run_whole(ODD, trace=path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:20]))
    with pytest.raises(ConfigError, match="the trace is cut off here, after event 19"):
        figures_of_trace(path)
