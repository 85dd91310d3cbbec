"""Arrivals: always later, as many as the rate promises, and moved by nobody else's draws."""

import json
import math
import random
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_lb.model.errors import ConfigError
from trio_lb.sim.arrivals import (
    ARRIVALS,
    Arrivals,
    Bursts,
    Diurnal,
    Every,
    Poisson,
    Replay,
    Steps,
    read_arrivals,
    to_data,
)
from trio_lb.sim.chance import derive_rng

SIGMAS: Final = 6.0

rates = st.floats(0.5, 20)
instants = st.floats(0, 300)
two_rates = st.tuples(rates, st.floats(1, 10)).map(lambda pair: (pair[0], pair[0] * pair[1]))

poisson_like: st.SearchStrategy[Poisson | Diurnal | Steps] = st.one_of(
    st.builds(Poisson, rates),
    st.builds(
        lambda two, period, peak: Diurnal(two[0], two[1], period, peak),
        two_rates,
        st.floats(10, 500),
        instants,
    ),
    st.lists(
        st.tuples(instants, st.one_of(st.just(0.0), rates)),
        min_size=1,
        max_size=6,
        unique_by=lambda step: step[0],
    ).map(lambda steps: Steps(sorted(steps))),
)
scripted: st.SearchStrategy[Replay | Every] = st.one_of(
    st.builds(
        lambda log, speed: Replay(sorted(log), speed),
        st.lists(st.one_of(instants, st.integers(0, 5).map(float)), max_size=40),
        st.floats(0.1, 10),
    ),
    st.builds(Every, st.floats(0.01, 30), instants),
)
bursts: st.SearchStrategy[Bursts] = st.builds(
    lambda two, low, high: Bursts(two[0], two[1], low, high),
    two_rates,
    st.floats(0.1, 30),
    st.floats(0.1, 30),
)
arrivals: st.SearchStrategy[Arrivals] = st.one_of(poisson_like, scripted, bursts)
laws = settings(derandomize=True, max_examples=60)
"""The same examples each time: what chance allows once in a billion must not turn up some day."""


def come(
    process: Arrivals, until: float, *, begin: float = 0.0, rng: random.Random | None = None
) -> list[float]:
    rng = rng or derive_rng(7, "clients")
    seen: list[float] = []
    while (instant := process.next_after(seen[-1] if seen else begin, rng)) is not None:
        if instant > until:
            break
        seen.append(instant)
    return seen


@laws
@given(arrivals, instants)
def test_arrivals_come_strictly_after_now_and_one_after_another(
    process: Arrivals, begin: float
) -> None:
    seen = come(process, begin + 50, begin=begin)
    assert all(a < b for a, b in pairwise([begin, *seen]))


@laws
@given(poisson_like, instants, st.integers(0, 9))
def test_as_many_come_as_the_integral_of_the_rate_says(
    process: Arrivals, begin: float, seed: int
) -> None:
    for until in (begin + 10, begin + 150):
        expected = process.expected(begin, until)
        many = len(come(process, until, begin=begin, rng=derive_rng(seed, "clients")))
        assert abs(many - expected) <= SIGMAS * math.sqrt(expected) + 3


@laws
@given(scripted, instants, st.floats(0, 100))
def test_a_script_is_counted_exactly(process: Arrivals, begin: float, length: float) -> None:
    until = begin + length
    assert len(come(process, until, begin=begin)) == process.expected(begin, until)


@laws
@given(arrivals, instants, st.floats(0, 100), st.floats(0, 100))
def test_what_is_expected_adds_up(process: Arrivals, begin: float, a: float, b: float) -> None:
    parts = process.expected(begin, begin + a) + process.expected(begin + a, begin + a + b)
    assert parts == pytest.approx(process.expected(begin, begin + a + b), rel=1e-9, abs=1e-6)


@laws
@given(arrivals)
def test_plain_data_round_trips_through_json(process: Arrivals) -> None:
    data = to_data(process)
    assert read_arrivals(json.loads(json.dumps(data))) == process
    assert to_data(read_arrivals(data)) == data


@laws
@given(arrivals, arrivals)
def test_another_stream_changes_no_arrival(process: Arrivals, other: Arrivals) -> None:
    alone = come(process, 20)
    rng, others = derive_rng(7, "clients"), derive_rng(7, "other clients")
    now, beside = 0.0, list[float]()
    while (instant := process.next_after(now, rng)) is not None and instant <= 20:
        other.next_after(now, others)
        process.next_after(now, others)
        beside.append(now := instant)
    assert beside == alone


@laws
@given(st.floats(0.01, 1000), st.floats(0.1, 8))
def test_a_rate_twice_as_high_halves_each_gap_of_the_same_stream(rate: float, by: float) -> None:
    slow = Poisson(rate).next_after(0.0, derive_rng(1, "gap"))
    quick = Poisson(rate * by).next_after(0.0, derive_rng(1, "gap"))
    assert slow is not None
    assert quick == pytest.approx(slow / by)


def test_no_rate_is_no_arrival() -> None:
    rng = derive_rng(1, "none")
    none: list[Arrivals] = [Poisson(0), Diurnal(0, 0), Steps([(0, 0)]), Replay([]), Poisson(1e-320)]
    assert [each.next_after(5.0, rng) for each in none] == [None] * 5


def test_a_gap_that_no_float_can_show_is_still_one() -> None:
    assert Poisson(1e9).next_after(1e12, derive_rng(1, "late")) == math.nextafter(1e12, math.inf)


def test_arrivals_of_a_fixed_seed_are_the_same_in_every_process() -> None:
    exact: list[Arrivals] = [Poisson(10), Bursts(1, 50, 5, 1), Diurnal(5, 20, 60), Steps([(2, 9)])]
    assert [come(each, 100.0)[:2] for each in exact] == [
        [0.052306821689766615, 0.09569427129067878],
        [0.028677489920182434, 0.04307878919785289],
        [0.2295974521835848, 0.5523267131202299],
        [2.0581186907664075, 2.1063269681007544],
    ]


# ------------------------------------------------------------------ bursts


def spread(counts: list[int]) -> float:
    """Variance over mean of the counts: 1 for Poisson, more where arrivals cluster."""
    mean = sum(counts) / len(counts)
    return sum((each - mean) ** 2 for each in counts) / len(counts) / mean


def each_second(seen: list[float], length: int) -> list[int]:
    counts = [0] * length
    for instant in seen:
        counts[int(instant)] += 1
    return counts


def test_bursts_cluster_and_keep_their_mean_rate() -> None:
    process = Bursts(rate_low=1, rate_high=40, low_seconds=8, high_seconds=2)
    seen = come(process, 20_000 - 1e-6)
    assert process.expected(0, 20_000) == pytest.approx(176_000)
    assert len(seen) == pytest.approx(176_000, rel=0.05)
    assert spread(each_second(seen, 20_000)) > 10
    assert 0.9 < spread(each_second(come(Poisson(8.8), 20_000 - 1e-6), 20_000)) < 1.1


def test_bursts_that_are_calm_between_are_silent_there() -> None:
    process = Bursts(rate_low=0, rate_high=1000, low_seconds=10, high_seconds=1)
    seen = come(process, 500)
    gaps = [b - a for a, b in pairwise(seen)]
    assert sum(gap > 1.0 for gap in gaps) > 20
    assert sorted(gaps)[len(gaps) // 2] < 0.002


def test_how_many_arrive_does_not_move_the_bursts() -> None:
    ends = [
        [b for a, b in pairwise(come(Bursts(0, rate, 10, 2), 500)) if b - a > 2.0]
        for rate in (500, 2000)
    ]
    assert len(ends[0]) > 20
    assert ends[0] == pytest.approx(ends[1], abs=0.1)


def test_one_value_serves_two_streams_and_two_runs_alike() -> None:
    shared = Bursts(1, 30, 3, 1)
    first, second = derive_rng(1, "a"), derive_rng(1, "b")
    now_first, now_second = [0.0], [0.0]
    for _ in range(200):
        for now, rng in ((now_first, first), (now_second, second)):
            instant = shared.next_after(now[-1], rng)
            assert instant is not None
            now.append(instant)
    alone = come(Bursts(1, 30, 3, 1), now_first[-1], rng=derive_rng(1, "a"))
    assert now_first[1:] == alone == come(shared, now_first[-1], rng=derive_rng(1, "a"))


def test_the_phases_of_a_stream_go_with_its_generator() -> None:
    process = Bursts(1, 30, 3, 1)
    rng = derive_rng(1, "a")
    process.next_after(0.0, rng)
    assert len(process._phases) == 1
    del rng
    assert len(process._phases) == 0


# ------------------------------------------------------------------ days, steps, scripts


def test_a_day_rises_from_night_to_peak_and_falls_back() -> None:
    day = Diurnal(200, 900)
    assert [day.rate_at(hour * 3600) for hour in (0, 6, 12, 18, 24)] == [200, 550, 900, 550, 200]
    assert day.expected(0, 86400) == pytest.approx(550 * 86400)


def test_the_day_is_within_a_hundredth_of_a_cosine_and_a_bit() -> None:
    day = Diurnal(0, 1, 1000)
    apart = [
        abs(day.rate_at(at) - (1 - math.cos(2 * math.pi * at / 1000)) / 2) for at in range(1001)
    ]
    assert 0.009 < max(apart) < 0.011


def test_the_peak_of_another_period_is_halfway_unless_said() -> None:
    assert (Diurnal(1, 2, 100).peak_at, Diurnal(1, 2, 100, 30).rate_at(130)) == (50, 2)


@laws
@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 100))
def test_what_a_day_expects_is_the_integral_of_its_rate(
    begin: float, length: float, peak: float
) -> None:
    day, pieces = Diurnal(2, 7, 100, peak), 2000
    width = length / pieces
    middle = math.fsum(day.rate_at(begin + (k + 0.5) * width) for k in range(pieces)) * width
    assert day.expected(begin, begin + length) == pytest.approx(middle, rel=1e-3, abs=1e-6)


def test_steps_come_in_their_own_time_only() -> None:
    seen = come(Steps([(10, 100), (20, 0), (30, 10), (40, 0)]), 1000)
    assert all(10 < at < 20 or 30 < at < 40 for at in seen)
    assert Steps([(10, 100), (20, 0), (30, 10), (40, 0)]).expected(0, 1000) == 1100


def test_a_log_is_replayed_to_the_instant_and_faster_when_asked() -> None:
    assert come(Replay([1.0, 2.5, 7.0]), 100) == [1.0, 2.5, 7.0]
    assert come(Replay([1.0, 2.5, 7.0], speed=2), 100) == [0.5, 1.25, 3.5]


def test_what_a_log_has_at_one_instant_comes_a_nanosecond_apart() -> None:
    assert come(Replay([3, 3, 3, 4]), 100) == [3.0, 3.0 + 1e-9, 3.0 + 1e-9 + 1e-9, 4.0]


def test_a_beat_does_not_drift_in_a_million() -> None:
    beat = Every(0.1)
    assert beat.next_after(99_999.95, random.Random(0)) == 1_000_000 * 0.1
    assert beat.expected(0, 100_000) == 1_000_000


def test_a_beat_begins_with_its_start() -> None:
    assert come(Every(2.0, start=5.0), 10) == [5.0, 7.0, 9.0]


def test_scripts_take_nothing_from_the_stream() -> None:
    rng = random.Random(1)
    before = rng.getstate()
    come(Every(1.0), 10, rng=rng)
    come(Replay([1, 2]), 10, rng=rng)
    assert rng.getstate() == before


# ------------------------------------------------------------------ data


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"poisson": "10/s"}, Poisson(10)),
        ({"poisson": {"rate": "6/1m"}}, Poisson(0.1)),
        ({"every": "15m"}, Every(900)),
        ({"steps": [[0, 10], ["5m", 90]]}, Steps([(0, 10), (300, 90)])),
        ({"diurnal": {"low": 2, "high": 9, "period": "1h"}}, Diurnal(2, 9, 3600)),
        ({"replay": {"instants": [1, 2], "speed": 60}}, Replay([1, 2], 60)),
    ],
)
def test_people_write_rates_and_times_with_units(data: object, value: Arrivals) -> None:
    assert read_arrivals(data) == value


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"poisson": -1}, "web.poisson: -1 is not >= 0 (a second)"),
        ({"poisson": "fast"}, "web.poisson: 'fast' is not a rate (15, 10/s, 4/1h)"),
        ({"poison": 1}, "web.poison: unknown process of arrivals; did you mean 'poisson'?"),
        ({"every": 0}, "web.every: 0 is not >= 1e-09 (seconds)"),
        ({"steps": [[5, 1], [5, 2]]}, "web.steps: 5.0 does not come after 5.0"),
        ({"replay": [2, 1]}, "web.replay: 1.0 stands after 2.0; a log goes on in time"),
        ({"replay": {"instants": [1], "speed": 0}}, "web.replay.speed: 0 is not > 0"),
        ({"diurnal": {"low": 3, "high": 2}}, "web.diurnal: 3.0 is more than high, 2.0"),
        (
            {"bursts": {"rate_low": 3, "rate_high": 2, "low_seconds": 1, "high_seconds": 1}},
            "web.bursts: 3.0 is more than rate_high, 2.0",
        ),
        (
            {"bursts": {"rate_low": 0, "rate_high": 1e-4, "low_seconds": 1, "high_seconds": 1}},
            "web.bursts: 0.0001 brings less than 1 arrival in 1000 bursts",
        ),
    ],
)
def test_a_refusal_says_path_seen_and_allowed(data: object, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_arrivals(data, "web")
    assert str(caught.value) == problem


def test_every_kind_is_drawn_in_the_laws() -> None:
    assert [*ARRIVALS] == ["poisson", "bursts", "diurnal", "steps", "replay", "every"]
