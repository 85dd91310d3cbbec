"""The thread beside the loop: it looks when it wants to, and ends with its block."""

import itertools
import threading

import pytest
import trio

from tests.support.stage import LoopbackStage, until
from trio_lb.net.env import Outside
from trio_lb.net.real_lookout import RealLookout

pytestmark = pytest.mark.real


def watchers() -> list[str]:
    return [each.name for each in threading.enumerate() if "lookout" in each.name]


async def test_it_looks_at_once_and_again_when_it_wants_to() -> None:
    looks: list[tuple[float, int]] = []

    def look(now: float, outside: Outside) -> float:
        looks.append((now, threading.get_ident()))
        return now + 0.001

    began_at = trio.current_time()
    with RealLookout(look):
        assert watchers() == ["trio_lb lookout"]
        await until(LoopbackStage(), lambda: len(looks) >= 5)
    assert watchers() == []
    count = len(looks)
    assert threading.get_ident() not in {thread for _, thread in looks}
    instants = [at for at, _ in looks]
    assert began_at <= instants[0] <= instants[-1] <= trio.current_time()
    assert all(b - a >= 0.001 for a, b in itertools.pairwise(instants))
    assert len(looks) == count, "the end of the block is the end of it"


async def test_it_sees_where_the_loop_is() -> None:
    stacks: list[str] = []

    def look(now: float, outside: Outside) -> float:
        stacks.append(outside.stack())
        return now + 0.001

    def compute_for_very_long() -> None:
        while not any("compute_for_very_long" in each for each in stacks):
            sum(range(1000))

    with RealLookout(look):
        compute_for_very_long()
    assert "test_it_sees_where_the_loop_is" in stacks[-1]


async def test_a_process_that_is_not_ours_is_not_ended() -> None:
    done = threading.Event()

    def look(now: float, outside: Outside) -> float:
        outside.end_process(70)
        done.set()
        return now + 60.0

    with RealLookout(look):
        assert done.wait(10.0), "and we live"


async def test_a_look_that_crashes_ends_the_looking_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def look(now: float, outside: Outside) -> float:
        raise ValueError("planted")

    with RealLookout(look):
        await until(LoopbackStage(), lambda: not watchers())
    assert [each.message for each in caplog.records] == ["the event loop is watched no more"]
