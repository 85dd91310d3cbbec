"""The pulse: once a second, for who asks for it, and for nobody else."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.app.balancers import open_lb
from tests.support.world import World
from trio_lb.app.pulse import Pulse
from trio_lb.model.events import Event, MetricsUpdated
from trio_lb.net.bus import Bus
from trio_lb.state.ledger import Statistics


@pytest.mark.parametrize("name", ["metrics_updated", "metricsUpdated", MetricsUpdated])
async def test_metrics_come_each_second_while_somebody_listens(
    world: World, name: str | type[Event]
) -> None:
    async with open_lb(world) as at:
        await trio.sleep(0.25)
        beats: list[MetricsUpdated] = []
        undo = at.lb.on(name, beats.append)
        await trio.sleep(3.5)
        undo()
        await trio.sleep(60.0)
        assert [beat.at for beat in beats] == [1.25, 2.25, 3.25]


async def test_they_are_the_statistics_of_that_instant(world: World) -> None:
    async def work(server: object, request: str) -> None:
        await trio.sleep(1.5)

    async with open_lb(world) as at, at.lb.subscribe(MetricsUpdated) as beats:
        await at.lb.handle_request("me", "this", work)
        await trio.sleep(0.6)
        told = [await anext(beats), await anext(beats)]
        counts = [each.metrics for each in told if isinstance(each, MetricsUpdated)]
        assert all(isinstance(each, Statistics) for each in counts)
        assert [
            (each.total_requests, each.successful_requests, each.active_connections)
            for each in counts
            if isinstance(each, Statistics)
        ] == [(1, 0, 1), (1, 1, 0)]


async def test_whoever_hears_everything_that_happens_is_spared_the_pulse(world: World) -> None:
    async with open_lb(world) as at:
        at.lb.on("metrics_updated", lambda event: None)
        await trio.sleep(10.0)
        assert at.news == []


async def test_a_callback_that_raises_does_not_stop_it(world: World) -> None:
    def broken(event: MetricsUpdated) -> None:
        raise ZeroDivisionError("the program's own")

    async with open_lb(world) as at:
        beats: list[MetricsUpdated] = []
        at.lb.on("metrics_updated", broken)
        at.lb.on("metrics_updated", beats.append)
        await trio.sleep(2.5)
        assert len(beats) == 2


@given(st.lists(st.sampled_from(["come", "go", "beat", "late"]), max_size=30))
def test_law_it_has_a_deadline_exactly_while_somebody_listens(steps: list[str]) -> None:
    bus, now, told = Bus(), 0.0, 0

    def touch(pulse: Pulse) -> None:
        nonlocal told
        told += 1

    pulse = Pulse(bus, lambda: now, Statistics, touch)
    undos = []
    for step in steps:
        if step == "come":
            undos.append(bus.on("metrics_updated", lambda event: None))
        elif step == "go" and undos:
            undos.pop()()
        elif step in ("beat", "late") and pulse.deadline is not None:
            now = pulse.deadline + (7.5 if step == "late" else 0.0)
            (beat,) = pulse.on_deadline(now)
            assert beat.at == now
            assert now < pulse.deadline <= now + 1.0
        assert (pulse.deadline is None) is (not undos)
    assert told >= bool(undos)
