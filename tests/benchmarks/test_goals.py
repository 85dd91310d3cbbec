"""Aims: reached, missed, or open."""

import pytest

from benchmarks.goals import AIMS, Aim, Figures, table
from benchmarks.results import Results, RowResult, Sample
from benchmarks.rows import ROWS


def a_run() -> Results:
    small, idle, tunnels = RowResult(), RowResult(), RowResult()
    small.add("trio_lb", Sample({"cpu_us": 90.0, "rate": 9_999.0}, {"read": 2}))
    small.add("aiohttp", Sample({"cpu_us": 100.0}))
    idle.add("trio_lb", Sample({"rss_mib": 35.0}))
    tunnels.add("trio_lb", Sample({"tunnel_kib": 10.0}))
    rows = {"small": small, "idle": idle, "tunnels": tunnels}
    return Results("m", "2026-01-02", 2, 3, {"aiohttp": "1", "trio_lb": "0"}, {}, rows)


def lines() -> dict[str, str]:
    return {line.split(" | ")[1]: line for line in table(a_run()).splitlines()[2:]}


def test_an_aim_is_reached_missed_or_open() -> None:
    assert lines()["CPU of a small request ÷ aiohttp's"].endswith("| ≤ 1 | 0.90 | yes |")
    assert lines()["small requests per second on one core"].endswith(
        "| ≥ 10,000 | 9,999 | **no** |"
    )
    assert lines()["CPU of a small request ÷ Caddy's (aimed at with heads read in C)"].endswith(
        "| ≤ 1 | – | open |"
    )
    assert lines()["KiB per idle kept connection"].endswith("| ≤ 8 | – | open |")


@pytest.mark.parametrize(("at_least", "said"), [(False, "yes"), (True, "yes")])
def test_the_limit_itself_is_reached_from_either_side(at_least: bool, said: str) -> None:
    aim = Aim("P0", "w", 90.0, lambda run: run.ours("small", "cpu_us"), at_least=at_least)
    assert aim.line(Figures(a_run())).endswith(f"| {said} |")


def test_ten_thousand_tunnels_are_reckoned_from_the_idle_program_and_what_each_holds() -> None:
    # (35 * 1024 + 10,000 * 10) KiB.
    line = lines()["MB with 10,000 idle WebSockets (reckoned from 2,000)"]
    assert line.endswith("| ≤ 150 | 139 | yes |")


def test_errors_are_summed_and_a_row_without_us_has_none_to_count() -> None:
    assert Figures(a_run()).errors("small") == 2
    with pytest.raises(LookupError, match="connections-2000 of trio_lb"):
        Figures(a_run()).errors("connections-2000")


def test_every_aim_names_a_figure_that_a_row_has() -> None:
    everything = a_run()
    for row in ROWS:
        everything.rows[row.name] = RowResult()
        for peer in ("trio_lb", "aiohttp", "Caddy", "nginx"):
            sample = Sample({figure.key: 1.0 for figure in row.figures})
            everything.rows[row.name].add(peer, sample)
    assert " open |" not in table(everything)
    assert len(table(everything).splitlines()) == 2 + len(AIMS)
