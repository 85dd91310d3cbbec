"""A run on one screen of a terminal, and as JSON with keys that stay."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.report.fake_run import facts, figures
from trio_lb.sim.durations import duration
from trio_lb.sim.report.data import RunFacts
from trio_lb.sim.report.figures import Figures
from trio_lb.sim.report.summary import (
    BLOCKS,
    MOST_LINES,
    WIDTH,
    amount,
    percent,
    resampled,
    sparkline,
    summary,
    to_json,
)
from trio_lb.sim.report.tally import Tally

KEYS = {
    "run": [
        *("command", "name", "ok", "schedule", "seed", "settle_seconds", "trace_hash"),
        *("until_seconds", "vacuous", "versions"),
    ],
    "totals": [
        *("accepted", "amplification", "errors", "failed", "failover_seconds", "good"),
        *("latency_ns", "latency_with_fault_ns", "latency_without_fault_ns", "load"),
        *("longest_queue", "most_waiting", "nobody", "offered", "picks", "probes", "retries"),
        *("server_errors", "sheds", "statuses", "success_fraction", "taken", "tries"),
        "unfinished",
    ],
    "series": [
        *("accepted", "errors", "failed", "good", "latency", "nobody", "offered"),
        *("open_clients", "open_servers", "picks"),
        *("present", "probes", "queued", "retries", "sheds", "step_seconds", "taken", "tries"),
        "waiting",
    ],
}
ROWS = {
    "checks": ["at", "first", "name", "ok", "req", "violations"],
    "coverage": ["at", "name"],
    "faults": [
        *("args", "begin", "end", "failover_seconds", "failures", "kind", "last_failure"),
        *("number", "target"),
    ],
    "servers": [
        *("failed", "fair_share", "longest_queue", "most_present", "name", "picked", "share"),
        "taken",
    ],
    "states": ["balancer", "begin", "end", "lane", "pool", "server", "state", "why"],
    "phases": ["at", "name"],
}


@pytest.fixture(scope="module")
def made() -> Figures:
    return figures()


def test_a_summary_fits_on_one_screen_and_says_what_went_wrong(made: Figures) -> None:
    text = summary(made)
    assert text.count("\n") <= MOST_LINES
    assert "slow then dead: seed 7, 60 s, schedule fifo" in text
    assert "✗ deadline: 3 violations; first at 11.5 s: request 2301 took 1.2 s of 1 s" in text
    assert "VACUOUS: never reached: retry budget exhausted" in text


def test_p99_under_a_fault_stands_beside_that_without(made: Figures) -> None:
    (line,) = (each for each in summary(made).splitlines() if "p99 without a fault" in each)
    calm, faulty = made.calm, made.faulty
    assert line == (
        f"  p99 without a fault {duration(calm.p99)} of {calm.count:,},"
        f" with one {duration(faulty.p99)} of {faulty.count:,}"
    )
    tally = Tally(10.0)
    tally.calm.add(1)
    assert "with one" not in summary(Figures.of(RunFacts("calm", 1, 10.0), tally))


def test_a_terminal_without_unicode_gets_ascii(made: Figures) -> None:
    text = summary(made, ascii_only=True)
    assert text.isascii()
    assert "NO deadline" in text
    assert len(text.splitlines()) == len(summary(made).splitlines())


def test_many_faults_and_checks_do_not_push_the_verdict_off_the_screen(made: Figures) -> None:
    many = facts(verdicts=facts().verdicts * 30)
    text = summary(Figures.of(many, made.tally))
    assert len(text.splitlines()) <= MOST_LINES
    assert "and 84 more" in text
    assert "VACUOUS" in text


def test_the_json_has_the_keys_that_the_documentation_names(made: Figures) -> None:
    data = json.loads(json.dumps(to_json(made), allow_nan=False))
    assert sorted(data) == sorted([*KEYS, *ROWS, "planned_faults", "schema"])
    assert data["schema"] == 1
    assert {name: sorted(data[name]) for name in KEYS} == KEYS
    assert {name: sorted(data[name][0]) for name in ROWS} == ROWS


def test_the_series_are_as_long_as_the_run_and_add_up_to_the_totals(made: Figures) -> None:
    data = json.loads(json.dumps(to_json(made)))
    series, totals = data["series"], data["totals"]
    buckets = round(made.end / series["step_seconds"])
    for name in ("offered", "good", "failed", "taken", "picks"):
        assert len(series[name]) == buckets
        assert sum(series[name]) == totals[name] - made.tally.columns[name][-1]
    assert {len(column) for column in series["latency"].values()} == {buckets}
    assert list(series["latency"]) == ["p50_ns", "p90_ns", "p99_ns", "p99.9_ns"]


def test_a_run_in_which_nothing_happened_is_summed_up_too() -> None:
    empty = Figures.of(RunFacts("nothing", 1, 10.0), Tally(10.0))
    assert summary(empty).startswith("nothing: seed 1, 10 s")
    assert json.dumps(to_json(empty))


def test_where_only_programs_ask_no_share_of_good_requests_is_claimed() -> None:
    empty = Figures.of(RunFacts("own", 1, 10.0), Tally(10.0))
    assert summary(empty).splitlines()[:2] == [
        "own: seed 1, 10 s, schedule fifo",
        "  no requests of the simulator's clients; what programs ask is not counted",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0783, "0.0783"), (2.5, "2.5"), (99.94, "99.9"), (1234.5, "1,234")],
)
def test_amounts_have_three_digits_or_are_whole(value: float, text: str) -> None:
    assert amount(value) == text


@pytest.mark.parametrize(
    ("fraction", "text"), [(1.0, "100%"), (0.9999999, "99.999%"), (0.5, "50.000%"), (0.0, "0.000%")]
)
def test_only_all_is_a_hundred_per_cent(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@given(st.lists(st.integers(0, 1000), max_size=300))
def test_a_sparkline_is_never_wider_than_asked_and_blank_only_at_zero(column: list[int]) -> None:
    drawn = sparkline(column, BLOCKS)
    assert len(drawn) == min(WIDTH, len(column))
    for sign, value in zip(drawn, resampled(column, WIDTH), strict=True):
        assert (sign == " ") == (value == 0)
    if any(column):
        assert BLOCKS[-1] in drawn


def test_the_documentation_names_every_key_of_the_json(made: Figures) -> None:
    page = (Path(__file__).parents[3] / "docs" / "simulation" / "report.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z0-9_.]+)`", page))
    data = json.loads(json.dumps(to_json(made)))
    keys = {*data, *data["run"], *data["totals"], *data["series"], *data["series"]["latency"]}
    keys |= {
        *data["totals"]["latency_ns"],
        *data["totals"]["load"],
        *data["totals"]["longest_queue"],
    }
    for name in ROWS:
        keys |= set(data[name][0])
    assert sorted(keys - named) == []
