"""The demo's script: instants, and the text around them."""

from itertools import islice

import pytest

from trio_lb.cli.demo_script import Cue, Deed, Play, opening, settings


def test_a_minute_holds_four_acts() -> None:
    assert list(Play.of(60.0).cues()) == [
        Cue(2.0, Deed.ILL, "birch"),
        Cue(14.0, Deed.CURED, "birch"),
        Cue(24.0, Deed.DIES, "cedar"),
        Cue(34.0, Deed.RETURNS, "cedar"),
        Cue(40.0, Deed.FALTERS, "alder"),
        Cue(46.0, Deed.STEADY, "alder"),
        Cue(52.0, Deed.LEAVES, "birch"),
        Cue(56.0, Deed.REPAIRED, "birch"),
    ]


@pytest.mark.parametrize(
    ("seconds", "cycles", "pace"),
    [(15.0, 1, 0.25), (60.0, 1, 1.0), (90.0, 1, 1.5), (150.0, 2, 1.25), (None, None, 1.0)],
)
def test_whole_cycles_fit_into_any_length(
    seconds: float | None, cycles: int | None, pace: float
) -> None:
    assert Play.of(seconds) == Play(seconds, cycles, pace)


def test_the_last_deed_of_the_last_cycle_comes_before_the_end() -> None:
    *_, last = Play.of(150.0).cues()
    assert last == Cue((60.0 + 56.0) * 1.25, Deed.REPAIRED, "cedar")


def test_a_play_without_an_end_gives_each_server_its_turn() -> None:
    ill = [cue for cue in islice(Play.of(None).cues(), 32) if cue.deed is Deed.ILL]
    assert [(cue.at, cue.server) for cue in ill] == [
        (2.0, "birch"),
        (62.0, "cedar"),
        (122.0, "alder"),
        (182.0, "birch"),
    ]


def test_twelve_rows_of_counts_a_cycle() -> None:
    rows = [Play.of(seconds).row_seconds for seconds in (15.0, 60.0, None)]
    assert rows == [1.25, 5.0, 5.0]


@pytest.mark.parametrize("seconds", [15.0, 20.0, 60.0, 119.0, 600.0])
def test_at_any_pace_the_breaker_is_still_open_when_its_server_is_cured(seconds: float) -> None:
    """Two relapses come before the cure, and the third opening ends after it: at every jitter."""
    play = Play.of(seconds)
    breaker = settings(play)["circuit_breaker"]
    first, five_failures, trial = breaker["timeout"], 0.5, 0.1
    openings = [first, first * 2, first * 4]
    longest = [first, *(each * (1 + breaker["jitter"]) for each in openings[1:])]
    ill, cured = [cue.at for cue in play.first_cues()][:2]
    assert ill + five_failures + sum(longest[:2]) + 2 * trial < cured
    assert ill + sum(openings) > cured


def test_the_opening_says_what_to_open_and_what_will_happen() -> None:
    fronts = ["http://127.0.0.1:8000", "https://127.0.0.1:8443"]
    text = opening(fronts, {"alder": "127.0.0.1:1", "birch": "127.0.0.1:2"}, Play.of(15.0))
    assert (
        "  open      http://127.0.0.1:8000\n"
        "            https://127.0.0.1:8443\n"
        "  behind it alder  127.0.0.1:1\n"
        "            birch  127.0.0.1:2\n"
    ) in text
    assert (
        "    6.0 s  cedar dies: its port closes, its connections are reset\n"
        "             (health checks take it out)\n"
        "    8.5 s  cedar comes back\n"
        "             (two good checks put it back)\n"
    ) in text
    assert "   15.0 s  the end (Ctrl-C ends it before)\n" in text
    assert max(map(len, text.splitlines())) < 100


def test_without_an_end_the_opening_promises_more() -> None:
    text = opening(["http://127.0.0.1:8000"], {"alder": "127.0.0.1:1"}, Play.of(None))
    assert (
        "           and again, with other servers\n"
        "           until Ctrl-C\n"
    ) in text  # fmt: skip


@pytest.mark.parametrize("seconds", [60.0, 119.0])
def test_one_cycle_is_not_promised_again(seconds: float) -> None:
    assert "and again" not in opening([], {}, Play.of(seconds))
