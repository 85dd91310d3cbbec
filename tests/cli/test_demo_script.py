"""The demo's script: instants, and the text around them."""

from itertools import islice

import pytest

from trio_lb.cli.demo_script import Outage, Tally, opening, outages, report_period_seconds


@pytest.mark.parametrize(("seconds", "dies", "returns"), [(15.0, 5.0, 10.0), (60.0, 20.0, 40.0)])
def test_a_play_with_an_end_has_one_outage_in_its_middle_third(
    seconds: float, dies: float, returns: float
) -> None:
    assert list(outages(seconds)) == [Outage("birch", dies, returns, seconds)]


def test_a_play_without_an_end_lets_each_server_die_in_turn() -> None:
    seen = [(each.victim, each.dies_at, each.returns_at) for each in islice(outages(None), 4)]
    assert seen == [
        ("birch", 20.0, 35.0),
        ("cedar", 80.0, 95.0),
        ("alder", 140.0, 155.0),
        ("birch", 200.0, 215.0),
    ]


def test_six_rows_of_counts_or_one_each_ten_seconds() -> None:
    assert (report_period_seconds(15.0), report_period_seconds(None)) == (2.5, 10.0)


def test_the_opening_says_what_to_open_and_what_will_happen() -> None:
    text = opening("http://127.0.0.1:8000", {"alder": "127.0.0.1:1"}, next(outages(15.0)))
    assert "  open      http://127.0.0.1:8000   (reload it: the servers take turns)\n" in text
    assert (
        "    5.0 s  birch dies: its port closes, its connections are reset\n"
        "   10.0 s  birch comes back\n"
        "   15.0 s  the end (Ctrl-C ends it before)\n"
    ) in text


def test_without_an_end_the_opening_promises_more() -> None:
    text = opening("http://127.0.0.1:8000", {"alder": "127.0.0.1:1"}, next(outages(None)))
    assert "and so on, each minute another server, until Ctrl-C\n" in text


def test_a_row_counts_anew_and_the_summary_counts_all() -> None:
    tally = Tally()
    for name, attempts in (("alder", 1), ("birch", 1), ("alder", 2)):
        tally.count(name, attempts)
    tally.count_failure()
    first, second = tally.row(), tally.row()
    assert first == "answered:  alder    2   birch    1   cedar    0   failed   1"
    assert second == "answered:  alder    0   birch    0   cedar    0   failed   0"
    assert tally.summary().splitlines() == [
        "",
        "  answered          3",
        "    alder           2",
        "    birch           1",
        "    cedar           0",
        "  failed            1",
        "  saved             1   by a retry on another server",
    ]
