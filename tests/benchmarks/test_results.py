"""Medians, errors and the JSON form of a run."""

from pathlib import Path

from benchmarks import results
from benchmarks.results import Results, RowResult, Sample


def a_run(**rows: RowResult) -> Results:
    return Results(
        machine="a machine",
        date="2026-01-02",
        seconds=2,
        rounds=3,
        versions={"nginx": "1.22.1", "ours": "0.1"},
        absent={"Caddy": "apt-get install caddy"},
        rows=rows,
    )


def test_the_median_is_over_the_rounds_and_errors_are_summed() -> None:
    row = RowResult()
    for value, errors in [(12.0, {}), (99.0, {"read": 2}), (13.0, {"read": 1, "timeout": 4})]:
        row.add("nginx", Sample({"cpu_us": value}, errors))
    assert row.median("nginx", "cpu_us") == 13.0
    assert row.errors("nginx") == {"read": 3, "timeout": 4}


def test_a_figure_that_no_round_has_is_none() -> None:
    row = RowResult()
    row.add("nginx", Sample({"rss": 1.0}))
    assert row.median("nginx", "version_ms") is None
    assert row.median("Caddy", "rss") is None


def test_absent_peers_come_after_those_that_are_here() -> None:
    assert a_run().peers() == ["nginx", "ours", "Caddy"]


def test_another_peer_s_errors_leave_a_run_sound_and_ours_do_not() -> None:
    bad = RowResult()
    bad.add("nginx", Sample({}, {"read": 5}))
    assert a_run(small=bad).is_sound("ours")
    bad.add("ours", Sample({}, {"status": 1}))
    assert not a_run(small=bad).is_sound("ours")


def test_a_peer_that_failed_makes_a_run_unsound() -> None:
    bad = RowResult()
    bad.fail("nginx", "no such luck")
    assert not a_run(small=bad).is_sound("ours")


def test_what_is_written_is_read_back_equal(tmp_path: Path) -> None:
    row = RowResult()
    row.add("nginx", Sample({"cpu_us": 12.5}, {"read": 1}))
    row.fail("ours", "it ended")
    run = a_run(small=row)
    results.write(run, tmp_path / "run.json")
    assert results.read(tmp_path / "run.json") == run
