"""After its end a balancer's host has nothing open."""

import trio

from tests.sim.checks.support import Play, world
from trio_lb.model.address import Address
from trio_lb.sim.checks.leaks import NoLeaks, TasksBounded
from trio_lb.sim.happening import What
from trio_lb.sim.stream import VirtualStream


async def test_what_is_open_is_named_and_what_is_closed_is_well(
    autojump_clock: trio.testing.MockClock,
) -> None:
    small = world()
    server = small.net.host("s1")
    listener = await server.listen(Address(server.address, 80))
    stream = await small.net.host("lb").connect(listener.address)
    own = await small.net.host("lb").listen(Address(small.net.host("lb").address, 80))
    said = Play(NoLeaks(), small).end()
    assert said == [
        f"1 streams are still open: {stream}",
        f"1 listeners are still open: {own.address}",
    ]
    stream.close()
    await own.aclose()
    assert Play(NoLeaks(), small).end() == []
    listener.close(VirtualStream.abort)


def test_a_descriptor_without_anything_open_is_a_leak_too() -> None:
    small = world()
    small.net.host("lb").descriptors.take()
    assert Play(NoLeaks(), small).end() == ["1 descriptors in use, though nothing is open"]


def test_tasks_come_back_to_where_they_were() -> None:
    tasks = 10
    play = Play(TasksBounded(lambda: tasks, spare=1))
    play.tell(1.0, What.ARRIVE, "web", "GET", req=1)
    tasks = 50
    play.tell(1.0, What.ARRIVE, "web", "GET", req=2)
    tasks = 11
    assert play.end() == []
    tasks = 12
    assert play.end() == ["12 tasks are left, 10 were there before the first arrival"]


async def test_tasks_are_counted_by_trio_where_nobody_else_does() -> None:
    play = Play(TasksBounded())
    play.tell(1.0, What.ARRIVE, "web", "GET", req=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        assert len(play.end()) == 1
        nursery.cancel_scope.cancel()
