"""The demo's counts, and how they are told."""

from trio_lb.cli.demo_tally import Tally


def test_a_row_counts_anew_and_the_summary_counts_all() -> None:
    tally = Tally()
    for name, attempts in (("alder", 1), ("birch", 1), ("alder", 2)):
        tally.count(name, attempts)
    tally.count_failure()
    tally.breakers_opened = 3
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
        "",
        "demo: answered=3 failed=1 saved=1 breakers_opened=3 breakers_closed=0",
    ]
