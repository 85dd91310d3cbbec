"""The book of open WebSockets: who is told when, so that a crowd does not leave at once."""

from collections.abc import Sequence

import attrs
import pytest
import trio

from trio_lb.config.schema import WebSocketConfig
from trio_lb.model.events import Event
from trio_lb.proxy.websockets import CLOSES_PER_SECOND, PATIENCE_SECONDS, Due, WebSockets
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork


@attrs.define(eq=False)
class One:
    """A WebSocket that only notes what it is told."""

    told: list[tuple[float, float]] = attrs.Factory(list)
    deadline: float | None = None

    def leave_at(self, at: float, patience_seconds: float) -> None:
        self.told.append((at, patience_seconds))
        self.deadline = at

    def on_deadline(self, now: float) -> Sequence[Event]:
        raise AssertionError("the book calls nobody, the timer does")


@attrs.frozen
class Book:
    """The book, and whom the timer was told of."""

    sockets: WebSockets
    touched: list[Due]

    def fill(self, count: int) -> list[One]:
        ones = [One() for _ in range(count)]
        for one in ones:
            self.sockets.join(one)
        return ones


def book_of(env: SimEnv, **config: bool) -> Book:
    touched: list[Due] = []
    return Book(WebSockets(WebSocketConfig(**config), env, touched.append), touched)


@pytest.fixture
async def book(env: SimEnv) -> Book:
    """An empty book, at instant 5."""
    await trio.sleep(5.0)
    return book_of(env)


async def test_it_counts_who_is_open_and_tells_the_timer(book: Book) -> None:
    one, other = book.fill(2)
    assert (len(book.sockets), book.touched) == (2, [one, other])
    book.sockets.leave(one)
    assert (len(book.sockets), book.touched) == (1, [one, other, one])
    assert (one.told, other.told) == ([], [])
    await trio.lowlevel.checkpoint()


async def test_a_few_are_told_at_once(book: Book) -> None:
    ones = book.fill(3)
    book.sockets.drain(30.0)
    assert [len(one.told) for one in ones] == [1, 1, 1]
    assert all(5.0 <= at < 5.0 + 3 / CLOSES_PER_SECOND for one in ones for at, _ in one.told)
    assert book.touched[3:] == ones
    await trio.lowlevel.checkpoint()


async def test_a_crowd_is_spread_over_half_of_the_time_at_most(book: Book) -> None:
    ones = book.fill(2000)
    book.sockets.drain(30.0)
    instants = [at for one in ones for at, _ in one.told]
    thirds = [sum(5.0 + 5.0 * i <= at < 10.0 + 5.0 * i for at in instants) for i in range(3)]
    assert sum(thirds) == 2000, "half of thirty seconds"
    assert min(thirds) > 550
    await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("seconds", [0.5, 4.0, 30.0, 3600.0])
async def test_nobody_waits_beyond_the_end_of_the_stop(book: Book, seconds: float) -> None:
    ones = book.fill(200)
    book.sockets.drain(seconds)
    for one in ones:
        ((at, patience_seconds),) = one.told
        assert at + patience_seconds <= 5.0 + seconds
        assert 0.0 < patience_seconds <= PATIENCE_SECONDS
    await trio.lowlevel.checkpoint()


async def test_the_instants_are_the_same_for_the_same_seed(net: VirtualNetwork) -> None:
    await trio.lowlevel.checkpoint()

    def instants(seed: int) -> list[float]:
        book = book_of(SimEnv(net.host("lb"), seed))
        ones = book.fill(5)
        book.sockets.drain(30.0)
        return [at for one in ones for at, _ in one.told]

    assert instants(1) == instants(1)
    assert instants(1) != instants(2)


async def test_who_comes_later_is_told_before_the_last_word(book: Book) -> None:
    book.fill(500)
    book.sockets.drain(30.0)
    await trio.sleep(3.0)
    (late,) = book.fill(1)
    ((at, _),) = late.told
    assert 8.0 <= at < 10.0
    await trio.sleep(10.0)
    (latest,) = book.fill(1)
    assert latest.told == [(18.0, 8.5)], "half of the seventeen that are left"


async def test_nobody_is_told_where_it_is_not_wanted(env: SimEnv) -> None:
    book = book_of(env, close_on_drain=False)
    (one,) = book.fill(1)
    book.sockets.drain(30.0)
    (late,) = book.fill(1)
    assert (one.told, late.told) == ([], [])
    await trio.lowlevel.checkpoint()
