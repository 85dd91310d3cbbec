"""A modelled server: places, queue, who leaves, who crashes."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.policy.balance.base import Context
from trio_lb.sim.policy_level.agenda import Agenda
from trio_lb.sim.policy_level.request import Request
from trio_lb.sim.policy_level.server_queue import ServerQueue
from trio_lb.sim.policy_level.settings import ServerModel


class Stand:
    """One server, and what it answered: (request, instant)."""

    def __init__(self, **model: object) -> None:
        self.agenda = Agenda()
        self.answers: list[tuple[Request, float]] = []
        self.queue = ServerQueue(
            ServerModel("s1", **model),  # type: ignore[arg-type]  # attrs checks them
            self.agenda,
            lambda request, now: self.answers.append((request, now)),
        )

    def ask(self, work: float, now: float) -> Request | None:
        """Send a request; None: the queue was full."""
        self.agenda.run_until(now)
        request = Request(now, work, Context())
        return request if self.queue.take(request, now) else None

    def leave(self, request: Request | None, now: float) -> None:
        assert request is not None
        self.agenda.run_until(now)
        self.queue.leave(request, now)
        request.number += 1

    def answered_at(self) -> list[float]:
        self.agenda.run_until(1e6)
        return [at for _, at in self.answers]


def test_as_many_as_there_are_places_are_served_at_once_the_others_in_order() -> None:
    stand = Stand(concurrency=2)
    for _ in range(5):
        stand.ask(1.0, 0.0)
    assert (stand.queue.busy, stand.queue.waits, stand.queue.most_waiting) == (2, 3, 3)
    assert stand.answered_at() == [1.0, 1.0, 2.0, 2.0, 3.0]
    assert (stand.queue.busy, stand.queue.waits, stand.queue.busy_seconds) == (0, 0, 5.0)


def test_who_finds_the_queue_full_is_not_taken() -> None:
    stand = Stand(queue=1)
    assert [stand.ask(1.0, 0.0) is not None for _ in range(3)] == [True, True, False]
    assert stand.answered_at() == [1.0, 2.0]


def test_a_slow_server_takes_longer_from_the_next_request_on() -> None:
    stand = Stand(slow_factor=2.0)
    stand.ask(1.0, 0.0)
    stand.queue.slow_factor = 3.0
    stand.ask(1.0, 0.0)
    assert stand.answered_at() == [2.0, 5.0]


def test_a_server_that_cancels_gives_a_leavers_place_to_the_next_at_once() -> None:
    stand = Stand()
    first = stand.ask(10.0, 0.0)
    stand.ask(1.0, 0.0)
    stand.leave(first, 4.0)
    assert stand.answered_at() == [5.0]
    assert stand.queue.busy_seconds == 5.0


def test_a_server_that_cancels_passes_over_who_left_its_queue() -> None:
    stand = Stand(queue=2)
    stand.ask(10.0, 0.0)
    second = stand.ask(1.0, 0.0)
    stand.ask(1.0, 0.0)
    stand.leave(second, 4.0)
    assert stand.queue.waits == 1
    assert stand.ask(1.0, 4.0) is not None
    assert stand.answered_at() == [10.0, 11.0, 12.0]


def test_a_server_that_does_not_cancel_works_for_nobody() -> None:
    stand = Stand(cancels=False, queue=2)
    first, second = stand.ask(10.0, 0.0), stand.ask(1.0, 0.0)
    stand.ask(1.0, 0.0)
    stand.leave(first, 4.0)
    stand.leave(second, 4.0)
    assert stand.ask(1.0, 4.0) is None  # Whoever left still holds a place.
    assert stand.answered_at() == [12.0]
    assert (stand.queue.busy, stand.queue.busy_seconds) == (0, 12.0)


def test_a_crash_loses_all_work_and_tells_whose_it_was_but_not_who_had_left() -> None:
    stand = Stand(concurrency=2, cancels=False)
    slow, quick, waiting, left = (stand.ask(work, 0.0) for work in (9.0, 5.0, 1.0, 1.0))
    stand.leave(left, 1.0)
    assert stand.queue.crash() == [quick, slow, waiting]
    assert (stand.queue.busy, stand.queue.waits) == (0, 0)
    assert stand.ask(1.0, 20.0) is not None
    assert stand.answered_at() == [21.0]


@given(
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(0, 3)),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.booleans()), max_size=30),
)
def test_law_everybody_who_was_taken_and_stayed_is_answered_once_and_all_places_come_back(
    places: int, queue: int | None, cancels: bool, steps: list[tuple[int, int, bool]]
) -> None:
    stand, now, stayed = Stand(concurrency=places, queue=queue, cancels=cancels), 0.0, []
    for gap, work, leaves in steps:
        now += gap
        request = stand.ask(float(work), now)
        assert stand.queue.busy <= places
        if queue is not None:
            assert stand.queue.waits <= queue
        if request is not None and leaves:
            stand.leave(request, now)
        elif request is not None:
            stayed.append(request)
    stand.agenda.run_until(1e6)
    assert sorted(map(id, stayed)) == sorted(id(request) for request, _ in stand.answers)
    assert (stand.queue.busy, stand.queue.waits) == (0, 0)
