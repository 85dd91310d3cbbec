"""Expansion: sorted, bounded, the same again, and no entry moves another's draws."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.faults.support import WORLD, World, faults, rng
from trio_lb.model.errors import ConfigError
from trio_lb.sim.arrivals import Poisson
from trio_lb.sim.faults.fluent import (
    Crash,
    Errors,
    Latency,
    Partition,
    Reset,
    Slow,
    at,
    during,
    every,
    random_of,
    schedule,
)
from trio_lb.sim.faults.read import read_data
from trio_lb.sim.faults.record import Fault, in_order
from trio_lb.sim.faults.schedule import Entry, Schedule

HORIZON = 3600.0

wanted = st.sampled_from(
    [
        Slow(random_of("servers"), x=20, for_="60s"),
        Crash(random_of("servers", 2), for_=5),
        Crash("zone:a", for_=5),
        Partition("lb", random_of("zones"), for_="2m"),
        Latency(random_of("hosts"), random_of("hosts"), for_=600),
        Reset("server:s3"),
    ]
)
intervals = st.sampled_from([Poisson(1 / 300), Poisson(1 / 40), "10m", 77.7])
timed = st.one_of(
    st.builds(every, intervals, wanted),
    st.builds(every, intervals, wanted, start=st.just(60), stop=st.just("20m")),
    st.builds(at, st.floats(0, 2 * HORIZON), wanted),
)
schedules = st.builds(lambda several: schedule(*several), st.lists(timed, max_size=6))
entries = timed.map(lambda one: schedule(one).entries[0])


def of_each(whole: Schedule, seed: int) -> list[Fault]:
    """What the entries give when each is alone, put together."""
    alone = [Schedule((entry,)).expand(HORIZON, rng(seed), WORLD) for entry in whole.entries]
    return in_order([fault for several in alone for fault in several])


@given(schedules, st.integers(0, 1000))
def test_an_expansion_is_sorted_bounded_and_the_same_again(whole: Schedule, seed: int) -> None:
    expanded = whole.expand(HORIZON, rng(seed), WORLD)
    assert [fault.at for fault in expanded] == sorted(fault.at for fault in expanded)
    assert all(0 <= fault.at < HORIZON for fault in expanded)
    assert all(fault.at < fault.until <= HORIZON for fault in expanded if fault.until is not None)
    assert whole.expand(HORIZON, rng(seed), WORLD) == expanded


@given(schedules, st.integers(0, 1000))
def test_data_bring_a_schedule_back(whole: Schedule, seed: int) -> None:
    again = read_data(json.loads(json.dumps(whole.to_data())), ordered=False)
    assert again == whole
    assert again.expand(HORIZON, rng(seed), WORLD) == whole.expand(HORIZON, rng(seed), WORLD)


@given(st.lists(entries, max_size=5, unique_by=lambda entry: entry.text), st.integers(0, 1000))
def test_no_entry_moves_what_another_draws(several: list[Entry], seed: int) -> None:
    whole = Schedule(tuple(several))
    assert whole.expand(HORIZON, rng(seed), WORLD) == of_each(whole, seed)


@given(schedules, st.floats(1, HORIZON), st.integers(0, 1000))
def test_a_shorter_run_sees_the_same_faults_begin(
    whole: Schedule, shorter: float, seed: int
) -> None:
    def begins(until: float) -> list[tuple[float, str, object]]:
        expanded = whole.expand(until, rng(seed), WORLD)
        return [(each.at, each.kind, each.target) for each in expanded if each.at < shorter]

    assert begins(shorter) == begins(HORIZON)


@given(st.lists(faults(), max_size=6))
def test_recorded_faults_expand_to_themselves(recorded: list[Fault]) -> None:
    assert Schedule.of(recorded).expand(1e6, rng(), WORLD_OF_RECORDS) == in_order(recorded)


WORLD_OF_RECORDS = World(hosts=("lb", "s1", "s2"))


def test_two_equal_entries_draw_apart() -> None:
    one = every(Poisson(1 / 300), Slow(random_of("servers"), for_=10))
    expanded = schedule(one, one).expand(HORIZON, rng(), WORLD)
    first = schedule(one).expand(HORIZON, rng(), WORLD)
    rest = [fault for fault in expanded if fault not in first]
    assert len(expanded) == len(first) + len(rest)
    assert rest


def test_another_seed_gives_other_times() -> None:
    whole = schedule(every(Poisson(1 / 300), Reset(random_of("servers"))))
    assert whole.expand(HORIZON, rng(1), WORLD) != whole.expand(HORIZON, rng(2), WORLD)


def test_times_of_poisson_come_as_often_as_they_should() -> None:
    whole = schedule(every(Poisson(1 / 10), Reset(random_of("servers"))))
    expanded = whole.expand(100_000.0, rng(), WORLD)
    assert 9_700 < len(expanded) < 10_300, "10,000 are expected, three sigma are 300"
    hits = [sum(each.target.names == (name,) for each in expanded) for name in WORLD.servers]
    assert all(2_370 < number < 2_630 for number in hits), "three sigma of a quarter are 130"


def test_regular_times_do_not_drift() -> None:
    whole = schedule(every(0.1, Reset("server:s1")))
    instants = [fault.at for fault in whole.expand(100.0, rng(), WORLD)]
    assert len(instants) == 999
    assert instants[-1] == 99.9


def test_what_has_no_end_keeps_none_and_what_has_one_ends_with_the_run() -> None:
    whole = schedule(at(50, Crash("server:s1")), at(50, Crash("server:s2", for_="2m")))
    assert [fault.until for fault in whole.expand(100.0, rng(), WORLD)] == [None, 100.0]


def test_a_window_begins_and_ends_its_faults() -> None:
    whole = schedule(during("5m", "7m", Errors("server:s1", share=0.5)))
    (fault,) = whole.expand(HORIZON, rng(), WORLD)
    assert (fault.at, fault.until, fault.args) == (300, 420, {"share": 0.5, "status": 500})


def test_a_time_however_short_has_a_length() -> None:
    (fault,) = schedule(at(3000, Crash("host:s1", for_=1e-12))).expand(HORIZON, rng(), WORLD)
    assert fault.until is not None
    assert fault.until > fault.at


def test_a_name_that_is_not_there_is_refused_with_its_entry() -> None:
    whole = schedule(at(1, Slow("server:s1")), at(2, Slow("server:s7")))
    with pytest.raises(ConfigError, match=r"^\[1\]: there is no server 's7'; there are: s1, s4"):
        whole.expand(HORIZON, rng(), World(servers=("s1", "s4")))


def test_a_flood_is_refused_as_a_mistaken_unit() -> None:
    whole = schedule(every(0.001, Reset("server:s1")))
    with pytest.raises(ConfigError, match="more than 3 faults by here; is the unit right"):
        whole.expand(HORIZON, rng(), WORLD, most=3)
