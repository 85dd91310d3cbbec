"""The life of an application: how it may begin, and how it is ended."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_lb.proxy.inside.lifespan import (
    SHUTDOWN_SECONDS,
    STARTUP_SECONDS,
    Lifespan,
    LifeState,
)

App = Callable[[Any, Any, Any], Awaitable[None]]


async def good(scope: Any, receive: Any, send: Any) -> None:
    scope["state"]["db"] = "open"
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await trio.sleep(1.0)
    await send({"type": "lifespan.shutdown.complete"})


async def deaf(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"


async def foreign(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200})


async def says_no(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "Traceback\nOSError: no disk\n"})


async def says_nothing(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed"})


async def raises(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    raise OSError("no disk")


async def returns(scope: Any, receive: Any, send: Any) -> None:
    await receive()


async def hangs(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await trio.sleep_forever()


async def leaves(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})


async def never_stops(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await trio.sleep_forever()


async def begun(app: App, seconds: float = 0.0) -> tuple[Lifespan, list[float]]:
    """Begin a life, and give it some time; return it, and when it had settled."""
    settled: list[float] = []
    life = Lifespan(app, "it", lambda: settled.append(trio.current_time()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(life.run)
        await trio.sleep(seconds)
        await wait_all_tasks_blocked()
        phase = life.phase
        life.stop()
    life.phase_before_the_stop = phase  # type: ignore[attr-defined] # For the test to look at.
    return life, settled


@pytest.mark.parametrize(
    ("app", "phase", "why", "settled_at"),
    [
        (good, LifeState.UP, "", 0.0),
        (never_stops, LifeState.UP, "", 0.0),
        (deaf, LifeState.BARE, "", 0.0),
        (foreign, LifeState.BARE, "", 0.0),
        (leaves, LifeState.BARE, "", 0.0),
        (says_no, LifeState.FAILED, "OSError: no disk", 0.0),
        (says_nothing, LifeState.FAILED, "it gave no reason", 0.0),
        (raises, LifeState.FAILED, "OSError: no disk", 0.0),
        (returns, LifeState.FAILED, "it returned without a word", 0.0),
        (hangs, LifeState.FAILED, f"it took longer than {STARTUP_SECONDS:g} s", STARTUP_SECONDS),
    ],
)
async def test_how_a_life_begins(
    app: App, phase: LifeState, why: str, settled_at: float, autojump_clock: MockClock
) -> None:
    life, settled = await begun(app, STARTUP_SECONDS + 1.0)
    assert life.phase_before_the_stop is phase  # type: ignore[attr-defined] # See there.
    assert (life.why, settled) == (why, [settled_at])
    assert life.phase is LifeState.ENDED


async def test_it_is_stopped_in_an_orderly_way_while_all_around_is_cancelled(
    autojump_clock: MockClock,
) -> None:
    life = Lifespan(good, "it", lambda: None)
    with trio.move_on_after(5.0):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(life.run)
            try:
                await trio.sleep_forever()
            finally:
                life.stop()
                assert life.phase is LifeState.STOPPING
    assert (life.phase, trio.current_time()) == (LifeState.ENDED, 6.0)
    assert life.state == {"db": "open"}


async def test_one_that_does_not_stop_is_cut_and_told(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    life, _ = await begun(never_stops, 1.0)
    assert (life.phase, trio.current_time()) == (LifeState.ENDED, 1.0 + SHUTDOWN_SECONDS)
    assert caplog.messages == ["app it took longer than 10 s to stop"]


async def test_one_that_is_still_starting_is_cancelled_at_once(autojump_clock: MockClock) -> None:
    life, settled = await begun(hangs, 1.0)
    assert (life.phase, trio.current_time(), settled) == (LifeState.ENDED, 1.0, [1.0])


async def test_one_that_was_stopped_before_its_task_began_is_never_called(
    autojump_clock: MockClock,
) -> None:
    life = Lifespan(raises, "it", lambda: None)
    life.stop()
    await life.run()
    assert (life.phase, life.why) == (LifeState.ENDED, "")


async def test_a_fault_at_the_end_is_told(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "a leak"})
        raise OSError("a leak")

    life, _ = await begun(app)
    assert life.phase is LifeState.ENDED
    assert caplog.messages == ["app it failed to stop: a leak", "app it failed in its lifespan"]
    assert {each.levelno for each in caplog.records} == {logging.ERROR}
