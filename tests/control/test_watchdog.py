"""The loop watched: in virtual time a loop stands still by decree, in real time by a busy task."""

import logging
import sys

import pytest
import trio
import trio.testing

from trio_lb.config.schema import WatchdogConfig
from trio_lb.control.watchdog import EXIT_CODE, LoopWatch
from trio_lb.model.events import Event, LoopLagged
from trio_lb.net.real import RealEnv
from trio_lb.sim.env import SimEnv

OFF = WatchdogConfig(enabled=False)


async def watching(
    env: SimEnv, nursery: trio.Nursery, news: list[Event], config: WatchdogConfig
) -> LoopWatch:
    watch = LoopWatch(lambda: config, env, news.append)
    await nursery.start(watch)
    return watch


@pytest.fixture
def watched(env: SimEnv) -> SimEnv:
    env.watched = True
    return env


async def test_a_short_stall_is_an_event_with_its_length(
    watched: SimEnv, nursery: trio.Nursery
) -> None:
    news: list[Event] = []
    watch = await watching(watched, nursery, news, WatchdogConfig())
    await trio.sleep(10.05)
    watched.stand_still(0.5)
    await trio.sleep(5.0)
    # The beat was due at 10.1 and came at 10.55.
    (event,) = news
    assert isinstance(event, LoopLagged)
    assert event.at == pytest.approx(10.55)
    assert event.seconds == pytest.approx(0.45)
    assert watch.statistics().stalls == 1


async def test_a_loop_with_much_to_do_that_runs_is_no_news(
    watched: SimEnv, nursery: trio.Nursery
) -> None:
    news: list[Event] = []
    await watching(watched, nursery, news, WatchdogConfig())
    for _ in range(1000):
        watched.stand_still(0.09)
        await trio.lowlevel.checkpoint()
    assert trio.current_time() == pytest.approx(90.0)
    assert news == []


async def test_a_long_stall_is_logged_with_its_stack_while_it_lasts(
    watched: SimEnv, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    await watching(watched, nursery, [], WatchdogConfig())
    await trio.sleep(1.0)
    watched.stand_still(20.0)
    assert [(each.levelname, each.message) for each in caplog.records] == [
        (
            "ERROR",
            "the event loop has stood still for 1.0 s, and every connection waits:\n  (virtual)",
        )
    ]
    assert watched.exit_codes == []


async def test_a_lost_loop_ends_the_process_with_seventy(
    watched: SimEnv, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    await watching(watched, nursery, [], WatchdogConfig(exit_after=10.0))
    await trio.sleep(1.0)
    watched.stand_still(10.5)
    assert watched.exit_codes == [EXIT_CODE] == [70]
    assert [each.levelname for each in caplog.records] == ["ERROR", "CRITICAL"]
    assert "stood still for 10.0 s (watchdog.exit_after)" in caplog.records[1].message


async def test_switched_off_nothing_runs(watched: SimEnv, nursery: trio.Nursery) -> None:
    await watching(watched, nursery, [], OFF)
    await trio.testing.wait_all_tasks_blocked()
    assert nursery.child_tasks == frozenset()
    watched.stand_still(100.0)
    assert watched.exit_codes == []


async def test_a_simulation_is_not_watched_unless_it_wants_to_be(
    env: SimEnv, nursery: trio.Nursery
) -> None:
    await watching(env, nursery, [], WatchdogConfig())
    await trio.testing.wait_all_tasks_blocked()
    assert nursery.child_tasks == frozenset()


async def test_switched_off_while_it_runs_it_says_nothing_more(
    watched: SimEnv, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    news: list[Event] = []
    config = [WatchdogConfig()]
    await nursery.start(LoopWatch(lambda: config[0], watched, news.append))
    await trio.sleep(1.0)
    config[0] = OFF
    watched.stand_still(100.0)
    await trio.sleep(1.0)
    assert (news, caplog.records, watched.exit_codes) == ([], [], [])


@pytest.mark.real
async def test_a_real_loop_that_is_blocked_is_named_by_its_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    env, news = RealEnv(), list[Event]()
    config = WatchdogConfig(warn_after=0.02, alarm_after=0.05, exit_after=None)
    async with trio.open_nursery() as nursery:
        await nursery.start(LoopWatch(lambda: config, env, news.append))
        await trio.sleep(0.03)
        _block_until_told(caplog)
        with trio.fail_after(5):
            while not news:  # noqa: ASYNC110 - the beat that comes next publishes it.
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    (told,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "_block_until_told" in told.message
    assert __file__ in told.message
    assert any(isinstance(each, LoopLagged) and each.seconds > 0.03 for each in news)


def _block_until_told(caplog: pytest.LogCaptureFixture) -> None:
    """Keep the loop's thread busy, as a task that computes does, until somebody says so."""
    until = sys.getswitchinterval() + trio.current_time() + 10.0
    while not caplog.records and trio.current_time() < until:
        sum(range(1000))


_PROGRAM = """
import logging, time, trio, trio_lb
from trio_lb.net.real import RealEnv

def a_call_that_blocks():
    time.sleep(30)

async def main():
    logging.basicConfig()
    dog = {"warn_after": "20ms", "alarm_after": "50ms", "exit_after": "100ms"}
    config = {"servers": [{"address": "127.0.0.1:1"}], "watchdog": dog}
    async with trio_lb.open_load_balancer(config, env=RealEnv(owns_process=True)):
        await trio.sleep(0.03)
        a_call_that_blocks()

trio.run(main)
"""


@pytest.mark.real
async def test_a_process_whose_loop_is_lost_ends_with_seventy_and_says_where() -> None:
    with trio.fail_after(20):
        ran = await trio.run_process(
            [sys.executable, "-c", _PROGRAM], capture_stderr=True, check=False
        )
    text = ran.stderr.decode()
    assert ran.returncode == 70, text
    assert "ERROR:trio_lb.control.watchdog:the event loop has stood still" in text
    assert "(watchdog.exit_after): it is lost" in text
    assert text.count("in a_call_that_blocks") == 2, "with the stack, each time"
