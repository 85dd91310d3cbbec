"""Stations: who is served when, to the instant, as a book of queueing theory would have it."""

from functools import partial
from heapq import heappop, heappush

import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.sim.actors.station import Job, Station
from trio_lb.sim.clock import DesClock

Load = list[tuple[int, int]]
"""For each job: seconds since the one before, and of its service."""
Fates = list[tuple[float, float] | None]
"""When each job's service began and when it was done; None: it was turned away."""

_TICK = 1 / 1024
"""Each service is longer by this: so many less than 1024 of them never end when somebody comes."""


def served(load: Load, concurrency: int, queue: int) -> Fates:
    """What a station does with a load."""
    clock = DesClock()
    station = Station(clock, concurrency, queue)
    fates: Fates = [None] * len(load)

    def submit(number: int, seconds: float) -> None:
        begun: list[float] = []

        def done() -> None:
            fates[number] = (begun[0], clock.current_time())

        station.submit(lambda: seconds, done, lambda: begun.append(clock.current_time()))

    async def main() -> None:
        at = 0
        for number, (gap, service) in enumerate(load):
            at += gap
            clock.call_at(at, partial(submit, number, service + _TICK))
        await trio.sleep(10_000.0)

    trio.run(main, clock=clock)
    return fates


def by_the_book(load: Load, concurrency: int, queue: int) -> Fates:
    """The same by going through the arrivals, with a heap of when each place becomes free."""
    fates: Fates = []
    ends = [0.0] * concurrency
    begins: list[float] = []
    at = 0
    for gap, service in load:
        at += gap
        begin = max(float(at), ends[0])
        if begin > at and sum(other > at for other in begins) >= queue:
            fates.append(None)
            continue
        heappop(ends)
        heappush(ends, begin + service + _TICK)
        begins.append(begin)
        fates.append((begin, begin + service + _TICK))
    return fates


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 20)), min_size=1, max_size=25),
    st.integers(1, 3),
    st.integers(0, 4),
)
def test_a_station_is_a_queue_with_places_and_an_end(
    load: Load, concurrency: int, queue: int
) -> None:
    assert served(load, concurrency, queue) == by_the_book(load, concurrency, queue)


def on_a_clock(*acts: tuple[float, str]) -> list[tuple[float, str]]:
    """Play with a station of one place; jobs take 1 s. Return what was done when."""
    clock = DesClock()
    station = Station(clock, 1, 10)
    seen: list[tuple[float, str]] = []
    jobs: dict[str, Job | None] = {}

    def act(what: str) -> None:
        verb, _, name = what.partition(" ")
        job = jobs.get(name)
        match verb:
            case "submit":
                jobs[name] = station.submit(
                    lambda: 1.0, lambda: seen.append((clock.current_time(), name))
                )
            case "abandon" if job is not None:
                job.abandon()
            case "disown" if job is not None:
                job.disown()
            case "widen":
                station.concurrency = int(name)
            case "pause":
                station.pause()
            case "resume":
                station.resume()
            case "clear":
                station.clear()

    async def main() -> None:
        for at, what in acts:
            clock.call_at(at, partial(act, what))
        await trio.sleep(100.0)

    trio.run(main, clock=clock)
    return seen


def test_one_after_the_other_is_served_at_one_place() -> None:
    assert on_a_clock((0.0, "submit a"), (0.25, "submit b"), (0.5, "submit c")) == [
        (1.0, "a"),
        (2.0, "b"),
        (3.0, "c"),
    ]


def test_who_is_abandoned_in_service_makes_place_at_once() -> None:
    seen = on_a_clock((0.0, "submit a"), (0.25, "submit b"), (0.5, "abandon a"))
    assert seen == [(1.5, "b")]


def test_who_is_abandoned_in_the_queue_is_passed_over() -> None:
    seen = on_a_clock((0.0, "submit a"), (0.25, "submit b"), (0.25, "submit c"), (0.5, "abandon b"))
    assert seen == [(1.0, "a"), (2.0, "c")]


def test_who_is_disowned_takes_its_place_to_the_end_and_says_nothing() -> None:
    seen = on_a_clock((0.0, "submit a"), (0.25, "submit b"), (0.5, "disown a"))
    assert seen == [(2.0, "b")]


def test_places_that_come_are_taken_at_once() -> None:
    seen = on_a_clock((0.0, "submit a"), (0.0, "submit b"), (0.0, "submit c"), (0.5, "widen 3"))
    assert seen == [(1.0, "a"), (1.5, "b"), (1.5, "c")]


def test_a_station_without_places_takes_work_and_begins_when_there_are_some() -> None:
    seen = on_a_clock((0.0, "widen 0"), (0.0, "submit a"), (5.0, "widen 1"))
    assert seen == [(6.0, "a")]


def test_what_is_overdue_after_a_pause_is_done_at_once_in_the_order_in_which_it_was_due() -> None:
    seen = on_a_clock(
        (0.0, "widen 2"),
        (0.25, "submit late"),
        (0.0, "submit early"),
        (0.25, "submit next"),
        (0.5, "pause"),
        (5.0, "resume"),
    )
    assert seen == [(5.0, "early"), (5.0, "late"), (6.0, "next")]


def test_who_was_given_up_in_a_pause_is_not_done_after_it() -> None:
    seen = on_a_clock(
        (0.0, "submit a"), (0.5, "pause"), (2.0, "abandon a"), (3.0, "resume"), (4.0, "submit b")
    )
    assert seen == [(5.0, "b")]


def test_a_station_that_is_cleared_knows_of_nobody() -> None:
    seen = on_a_clock((0.0, "submit a"), (0.0, "submit b"), (0.5, "clear"), (0.75, "submit c"))
    assert seen == [(1.75, "c")]


def test_who_comes_because_another_is_done_waits_behind_who_was_there() -> None:
    clock = DesClock()
    station = Station(clock, 1, 1)
    seen: list[tuple[float, str]] = []

    def finish(name: str) -> None:
        seen.append((clock.current_time(), name))
        if name == "a":
            station.submit(lambda: 1.0, lambda: finish("again"))

    async def main() -> None:
        station.submit(lambda: 1.0, lambda: finish("a"))
        station.submit(lambda: 1.0, lambda: finish("b"))
        await trio.sleep(10.0)

    trio.run(main, clock=clock)
    assert seen == [(1.0, "a"), (2.0, "b"), (3.0, "again")]
