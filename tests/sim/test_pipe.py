"""One direction's queue: order, arrival, the window."""

import math
import random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.support import LATENCY, far_apart, pair
from trio_lb.sim.link import Path
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.outages import RTO_SECONDS
from trio_lb.sim.pipe import Pipe

WINDOW = 100


def pipe(there_seconds: float = 1.0, back_seconds: float = 2.0) -> Pipe:
    rng = random.Random(0)
    return Pipe(Path(there_seconds, rng), Path(back_seconds, rng), WINDOW)


def take(one: Pipe, max_bytes: int, at: float) -> bytes | None:
    return one.take(max_bytes, at, at)


def test_nothing_is_there_before_it_arrives() -> None:
    one = pipe()
    assert one.put(b"abc", 5.0) == 6.0
    assert [take(one, 10, at) for at in (5.0, 5.99, 6.0)] == [None, None, b"abc"]


def test_what_has_arrived_is_read_as_one() -> None:
    one = pipe()
    for at in (0.0, 0.5, 2.0):
        one.put(b"ab", at)
    assert [take(one, 3, 1.5), take(one, 3, 1.5), take(one, 3, 1.5)] == [b"aba", b"b", None]


def test_the_end_comes_after_the_bytes_and_stays() -> None:
    one = pipe()
    one.put(b"ab", 0.0)
    one.put_eof(0.0)
    assert [take(one, 10, 1.0), take(one, 10, 1.0), take(one, 10, 9.0)] == [b"ab", b"", b""]


def test_the_window_opens_when_the_news_of_the_read_came_back() -> None:
    one = pipe()
    one.put(bytes(WINDOW), 0.0)
    take(one, 60, 1.0)
    assert one.next_ack() == 3.0
    assert [one.room(at) for at in (1.0, 2.9, 3.0)] == [0, 0, 60]
    assert one.next_ack() == math.inf


class Lossy(random.Random):
    """Loses just the packets that are said: of each toss whether it is lost."""

    def __init__(self, *tosses: bool) -> None:
        super().__init__(0)
        self._tosses = list(tosses)

    def random(self) -> float:
        return 0.0 if self._tosses.pop(0) else 1.0


def losing_acks(*tosses: bool) -> Pipe:
    """A pipe whose way back loses these of its acknowledgements."""
    back = Path(2.0, random.Random(0))
    back.loss = 0.5
    back._rng_of_news = Lossy(*tosses)
    return Pipe(Path(1.0, random.Random(0)), back, WINDOW)


def test_an_acknowledgement_that_is_lost_comes_with_the_copy_that_its_want_brings() -> None:
    one = losing_acks(True, True, False)
    one.put(bytes(WINDOW), 0.0)
    assert take(one, WINDOW, 1.0) == bytes(WINDOW)
    late = 3.0 + RTO_SECONDS + 2 * RTO_SECONDS
    assert one.next_ack() == late
    assert [one.room(at) for at in (3.0, late - 0.001, late)] == [0, 0, WINDOW]
    assert take(one, WINDOW, 60.0) is None, "the copies are dropped"


def test_the_next_acknowledgement_says_what_a_lost_one_said() -> None:
    one = losing_acks(True, False, False)
    one.put(bytes(WINDOW), 0.0)
    take(one, 60, 1.0)
    take(one, 30, 1.1)
    assert [one.room(at) for at in (3.05, 3.1)] == [0, 90]


def test_what_is_lost_of_acknowledgements_does_not_move_the_chance_of_data() -> None:
    def arrivals(*, reads: bool) -> list[float]:
        there, back = Path(1.0, random.Random(3)), Path(1.0, random.Random(4))
        there.loss = back.loss = 0.5
        forth, answers = Pipe(there, back, 10**6), Pipe(back, there, 10**6)
        found = []
        for second in range(50):
            found += [forth.put(b"data", second), answers.put(b"more", second)]
            if reads:
                take(forth, 100, second)
                take(answers, 100, second)
        return found

    assert arrivals(reads=True) == arrivals(reads=False)


def test_bytes_that_wait_are_told_from_an_end_that_waits() -> None:
    one, ended = pipe(), pipe()
    one.put(b"a", 0.0)
    ended.put_eof(0.0)
    assert (one.has_bytes(0.5), one.has_bytes(1.0), ended.has_bytes(1.0)) == (False, True, False)


def test_the_first_bytes_after_an_instant_are_found_behind_those_before() -> None:
    one = pipe()
    one.put(b"a", 0.0)
    one.put(b"b", 3.0)
    one.put_eof(5.0)
    assert [one.first_bytes_after(at) for at in (0.5, 1.0, 4.0)] == [1.0, 4.0, None]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(1, 150)),
        st.tuples(st.just("take"), st.integers(1, 150)),
        st.tuples(st.just("pass"), st.integers(1, 3)),
        st.tuples(st.just("latency"), st.integers(0, 3)),
        st.tuples(st.just("stall"), st.just(0)),
        st.tuples(st.just("heal"), st.just(0)),
    ),
    max_size=60,
)


@given(steps)
def test_whatever_happens_bytes_come_in_order_within_the_window(
    story: list[tuple[str, int]],
) -> None:
    there, back = Path(1.0, random.Random(0)), Path(1.0, random.Random(0))
    one, now, sent, read = Pipe(there, back, WINDOW), 0.0, b"", b""
    for step, size in story:
        match step:
            case "send":
                fits = random.Random(len(sent)).randbytes(min(size, one.room(now)))
                if fits:
                    assert one.put(fits, now) >= now
                    sent += fits
            case "take":
                read += take(one, size, now) or b""
            case "pass":
                now += size
            case "latency":
                there.latency_seconds = float(size)
            case "stall":
                there.stall(now)
            case "heal":
                there.heal(now)
        assert 0 <= one.room(now) <= WINDOW
        assert len(sent) - len(read) <= WINDOW
        assert sent.startswith(read)
    there.heal(now)
    while more := take(one, WINDOW, now + 100):
        read += more
    assert read == sent, "nothing is lost"


def lossy(*tosses: bool) -> Path:
    path = Path(1.0, Lossy(*tosses))
    path.loss = 0.5
    return path


def calmed(path: Path, one: Pipe, at: float) -> bool:
    """Let nothing be lost from ``at`` on."""
    path.loss = 0.0
    return one.retry(path, at)


def test_a_copy_that_leaves_when_nothing_is_lost_any_more_gets_through() -> None:
    path = lossy(*[True] * 12, False)
    one = Pipe(path, path, WINDOW)
    assert one.put(b"late", 5.0) == pytest.approx(6.0 + 0.2 * (2**10 - 1) + 2 * 120)
    assert calmed(path, one, 5.5), "copies left at 5.2 s, and would at 5.6 and 6.4 s"
    assert one.next_delivery() == pytest.approx(6.6)


def test_what_waited_behind_it_comes_with_it_and_no_later_piece_before() -> None:
    path = lossy(*[True] * 12, False, False, True, True, False)
    one = Pipe(path, path, WINDOW)
    for at, data in ((5.0, b"ab"), (5.1, b"cd"), (5.2, b"ef")):
        one.put(data, at)
    assert calmed(path, one, 5.5)
    # The copy of the first leaves at 5.6 s, that of the third at 5.8 s.
    assert [take(one, 10, at) for at in (6.5, 6.7, 6.9)] == [None, b"abcd", b"ef"]
    assert one.put(b"gh", 8.0) == 9.0


def test_a_copy_that_has_left_is_lost_whatever_comes_later() -> None:
    path = lossy(True, True, False)
    one = Pipe(path, path, WINDOW)
    assert one.put(b"late", 5.0) == pytest.approx(6.6)
    assert not calmed(path, one, 5.3)
    assert not one.retry(Path(1.0, random.Random(0)), 5.3), "nor by what is lost elsewhere"
    assert one.next_delivery() == pytest.approx(6.6)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=8), st.floats(0, 30), st.floats(0, 0.9))
def test_law_less_loss_brings_nothing_later_nor_out_of_order(
    waits: list[float], calm_at: float, loss_then: float
) -> None:
    path, twin = Path(1.0, random.Random(7)), Path(1.0, random.Random(7))
    path.loss = twin.loss = 0.95
    one, other = Pipe(path, path, 1000), Pipe(twin, twin, 1000)
    now = 0.0
    for number, wait in enumerate(waits):
        now += wait
        for each in (one, other):
            each.put(bytes([number]), now)
    path.loss = loss_then
    one.retry(path, now + calm_at)
    at, read = 0.0, b""
    while len(read) < len(waits):
        at = max(at, one.next_delivery())
        assert one.next_delivery() <= other.next_delivery()
        got = take(one, 1, at)
        assert got
        read += got
        assert take(other, 1, max(at, other.next_delivery())) == got
    assert read == bytes(range(len(waits)))


async def test_who_waits_when_less_is_lost_is_told_of_the_next_copy(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    far_apart(net)
    near, far = await pair(net)
    link = net.link("a", "b")

    async def calm_later() -> None:
        await trio.sleep(0.5)
        link.set_loss(0.0)

    async with near, far:
        link.set_loss(0.999999)
        near.send_nowait(b"late")
        near.finish()
        nursery.start_soon(calm_later)
        assert await far.receive_some(10) == b"late"
        assert trio.current_time() == pytest.approx(3.0 + LATENCY + 0.6)
        assert await far.receive_some(10) == b""
        assert trio.current_time() == pytest.approx(3.0 + LATENCY + 0.6)
