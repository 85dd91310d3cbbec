"""The clock of a simulation: time goes to the next thing that happens, whoever it concerns."""

import gc
import itertools

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from trio_lb.sim import clock as clock_module
from trio_lb.sim.clock import DesClock, SimulationStuck
from trio_lb.sim.run import run


class Turns(trio.abc.Instrument):
    """Counts how often trio would sleep."""

    count = 0

    def before_io_wait(self, timeout: float) -> None:
        self.count += 1


def told_by(play: object) -> list[object]:
    """What a play appends to its list, on a clock of its own."""
    told: list[object] = []
    clock = DesClock()
    run(lambda: play(clock, told), clock=clock)  # type: ignore[operator] # A play of this file.
    return told


def test_time_begins_at_nought_and_goes_to_each_deadline() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        for seconds in (0.0, 1.5, 3600.0):
            await trio.sleep(seconds)
            told.append(trio.current_time())

    assert told_by(play) == [0.0, 1.5, 3601.5]


def test_calls_come_at_their_instants_in_the_order_of_asking_and_before_tasks() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        for name in ("first", "second"):
            clock.call_at(2.0, lambda name=name: told.append((name, clock.current_time())))  # type: ignore[misc] # A default binds it.
        clock.call_at(1.0, lambda: told.append("earlier"))
        await trio.sleep_until(2.0)
        told.append("task")

    assert told_by(play) == ["earlier", ("first", 2.0), ("second", 2.0), "task"]


def test_a_call_may_wake_a_task_and_ask_for_more_calls_of_its_instant() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        event = trio.Event()
        clock.call_at(3.0, lambda: clock.call_at(0.0, event.set))
        await event.wait()
        told.append(trio.current_time())

    assert told_by(play) == [3.0]


def test_calls_that_wake_nobody_cost_no_turn_of_trio() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        for at in range(1, 100):
            clock.call_at(float(at), lambda: None)
        turns = Turns()
        trio.lowlevel.add_instrument(turns)
        await trio.sleep(200.0)
        told.append(turns.count)

    assert told_by(play) == [1]


def test_a_call_may_bring_a_deadline_before_the_next_call() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        def hurry() -> None:
            scope.deadline = 2.0

        clock.call_at(1.0, hurry)
        clock.call_at(3.0, lambda: told.append("call"))
        with trio.move_on_after(10.0) as scope:
            await trio.sleep_forever()
        told.append(trio.current_time())
        await trio.sleep(5.0)

    assert told_by(play) == [2.0, "call"]


def test_what_a_call_hands_to_trio_itself_is_done_at_its_instant() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        token = trio.lowlevel.current_trio_token()
        done = lambda: told.append(clock.current_time())  # noqa: E731 - the queue tells them apart.
        clock.call_at(1.0, lambda: token.run_sync_soon(done))
        clock.call_at(2.0, lambda: token.run_sync_soon(done, idempotent=True))
        clock.call_at(3.0, lambda: None)
        await trio.sleep(4.0)

    assert told_by(play) == [1.0, 2.0]


def test_what_a_task_hands_to_trio_itself_is_done_before_time_goes_on() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        token = trio.lowlevel.current_trio_token()
        await trio.sleep(1.0)
        token.run_sync_soon(lambda: told.append(clock.current_time()))
        await trio.sleep(4.0)

    assert told_by(play) == [1.0]


def test_a_call_that_was_made_is_held_by_nobody() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        call = clock.call_at(1.0, lambda: told.append("made"))
        await trio.sleep(2.0)
        assert call.make is None
        call.cancel()

    assert told_by(play) == ["made"]


def test_a_call_that_was_taken_back_is_not_made_and_does_not_hold_time_up() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        call = clock.call_at(1.0, lambda: told.append("never"))
        call.cancel()
        call.cancel()
        await trio.sleep(2.0)
        told.append(trio.current_time())

    assert told_by(play) == [2.0]


def test_whoever_waits_for_everybody_else_costs_no_time() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 50.0)
            await wait_all_tasks_blocked()
            told.append(trio.current_time())
        told.append(trio.current_time())

    assert told_by(play) == [0.0, 50.0]


def test_whoever_waits_for_everybody_else_waits_for_the_calls_of_this_instant_too() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        event = trio.Event()

        async def tell() -> None:
            await event.wait()
            told.append("task")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell)
            await trio.sleep(1.0)
            clock.call_at(1.0, lambda: clock.call_at(1.0, event.set))
            clock.call_at(2.0, lambda: told.append("call of another instant"))
            await wait_all_tasks_blocked()
            told.append("all are blocked")
            await trio.sleep(2.0)

    assert told_by(play) == ["task", "all are blocked", "call of another instant"]


def test_time_may_pass_without_a_turn_for_anybody() -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_tell_after, 1.0, told)
            await wait_all_tasks_blocked()
            clock.jump(10.0)

    assert told_by(play) == [10.0]


async def _tell_after(seconds: float, told: list[object]) -> None:
    await trio.sleep(seconds)
    told.append(trio.current_time())


@given(st.lists(st.floats(0.0, 1e6, allow_nan=False), max_size=40))
@example([0.0, 0.0])  # Trio has things of its own to do at the first instant.
def test_law_everything_happens_once_in_the_order_of_its_instants(instants: list[float]) -> None:
    async def play(clock: DesClock, told: list[object]) -> None:
        async with trio.open_nursery() as nursery:
            for number, at in enumerate(instants):
                if number % 2:
                    clock.call_at(at, lambda: told.append(clock.current_time()))
                else:
                    nursery.start_soon(_tell_after, at, told)
            # A little longer: when a run is over no call is made any more.
            await trio.sleep_until(max(instants, default=0.0) + 1.0)

    told = told_by(play)
    assert told == sorted(instants)


# ---------------------------------------------------------------------- what goes wrong


def test_nothing_left_to_happen_is_told_and_ends_the_run() -> None:
    ended: list[bool] = []

    async def play() -> None:
        try:
            await trio.sleep(4.0)
            await trio.sleep_forever()
        finally:
            ended.append(True)

    with pytest.raises(SimulationStuck, match=r"nobody is left who could act after 4 s"):
        run(play)
    assert ended == [True], "everybody could clean up"


def test_calls_that_ask_for_calls_without_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "MOST_CALLS", 100)
    clock = DesClock()

    def again() -> None:
        clock.call_at(0.0, again)

    async def play() -> None:
        again()
        await trio.sleep(1.0)

    with pytest.raises(SimulationStuck, match=r"calls at 0 s ask for others without end"):
        run(play, clock=clock)


async def spin() -> None:
    await trio.sleep(2.5)
    for _ in itertools.count():
        await trio.lowlevel.checkpoint()


def test_tasks_that_never_wait_are_told() -> None:
    with pytest.raises(SimulationStuck, match=r"time stands still at 2.5 s: 1,001 rounds"):
        run(spin, clock=DesClock(most_rounds=1000))


def test_unless_somebody_says_more_they_are_told_after_a_second_of_real_time_or_so() -> None:
    with pytest.raises(SimulationStuck, match=r"2.5 s: 200,001 rounds of tasks and 200,001 steps"):
        run(spin)


def test_who_gives_way_so_often_and_no_more_often_is_left_in_peace() -> None:
    async def scan() -> float:
        for _ in range(3):
            for _ in range(9_000):
                await trio.lowlevel.checkpoint()
            await trio.sleep(1.0)  # Here time goes on, and it is counted anew.
        return trio.current_time()

    assert run(scan, clock=DesClock(most_rounds=9_000)) == 3.0


def test_a_crowd_that_wakes_up_in_one_instant_is_left_in_peace() -> None:
    async def work() -> None:
        await trio.sleep_until(1.0)
        for _ in range(3):
            assert trio.current_time() == 1.0
            await trio.lowlevel.checkpoint()

    async def crowd() -> float:
        async with trio.open_nursery() as nursery:
            for _ in range(5_000):
                nursery.start_soon(work)
        return trio.current_time()

    assert run(crowd, clock=DesClock(most_rounds=2_500)) == 1.0


def test_calls_of_one_instant_are_no_rounds_however_often_they_ask_for_the_time() -> None:
    clock = DesClock(most_rounds=100)
    seen: list[float] = []

    async def woken() -> float:
        for _ in range(3_000):
            clock.call_at(1.0, lambda: seen.extend(clock.current_time() for _ in range(10)))
        await trio.sleep_until(1.0)
        return trio.current_time()

    assert run(woken, clock=clock) == 1.0
    assert seen == [1.0] * 30_000


def test_the_run_ends_though_who_is_left_cannot_be_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(4.0)
            await trio.sleep_forever()

    with pytest.raises(SimulationStuck, match=r"nobody is left who could act after 4 s") as caught:
        run(play)
    assert isinstance(caught.value.__context__, trio.TrioInternalError)
    del caught
    monkeypatch.setattr("sys.unraisablehook", lambda _: None)
    gc.collect()  # What was left of trio complains as it goes.
    assert run(_two) == 2, "the next run is none the worse for it"


async def _two() -> int:
    await trio.sleep(1.0)
    return 2


def test_an_error_of_a_call_ends_the_run_as_it_is() -> None:
    clock = DesClock()
    gone: dict[str, int] = {}
    clock.call_at(1.0, lambda: gone["gone"])

    async def play() -> None:
        await trio.sleep_forever()

    with pytest.raises(KeyError, match="gone"):
        run(play, clock=clock)
