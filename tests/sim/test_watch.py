"""Watches: news without a task, at the very instant at which a task would have had it."""

import weakref

import pytest
import trio

from trio_lb.model.address import Address
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.run import run
from trio_lb.sim.stream import VirtualStream
from trio_lb.sim.watch import Watch

Pair = tuple[VirtualStream, VirtualStream]


async def connected(net: VirtualNetwork) -> Pair:
    """Return both ends of a connection whose listener is watched, too."""
    listener = await net.host("server").listen(Address(net.host("server").address, 80))
    accepted: list[VirtualStream] = []
    listener.watch_arrivals(lambda: accepted.extend(listener.accept_nowait(10)))
    near = await net.host("client").connect(listener.address)
    await trio.sleep(0.01)
    return near, accepted[0]


def test_an_arrival_is_looked_at_when_it_arrives_and_once() -> None:
    async def main() -> None:
        near, far = await connected(VirtualNetwork(latency_seconds=0.001))
        seen: list[tuple[float, bytes | None]] = []
        begin = trio.current_time()

        def look() -> None:
            data = far.receive_nowait(100)
            seen.append((round(trio.current_time() - begin, 9), data))
            if data:  # The end of file stays: news without end for who arms again.
                watch.arm()

        watch = far.watch_arrivals(look)
        near.send_nowait(b"one")
        near.send_nowait(b"two")
        await trio.sleep(0.5)
        near.send_nowait(b"three")
        await near.send_eof()
        await trio.sleep(0.5)
        assert seen[:2] == [(0.001, b"onetwo"), (0.501, b"three")]
        assert seen[2] == (0.501, b"")

    run(main)


def test_who_does_not_arm_again_is_left_in_peace() -> None:
    async def main() -> None:
        near, far = await connected(VirtualNetwork())
        looks: list[float] = []
        far.watch_arrivals(lambda: looks.append(trio.current_time()))
        near.send_nowait(b"one")
        await trio.sleep(1.0)
        assert len(looks) == 1

    run(main)


def test_a_stall_moves_the_look_to_the_end_of_it() -> None:
    async def main() -> None:
        net = VirtualNetwork(latency_seconds=0.001)
        near, far = await connected(net)
        begin = trio.current_time()
        looks: list[float] = []
        far.watch_arrivals(lambda: looks.append(round(trio.current_time() - begin, 9)))
        near.send_nowait(b"one")
        net.link("client", "server").stall()
        await trio.sleep(2.0)
        net.link("client", "server").heal()
        await trio.sleep(1.0)
        assert looks == [2.0]

    run(main)


def test_a_reset_is_news() -> None:
    async def main() -> None:
        near, far = await connected(VirtualNetwork(latency_seconds=0.001))
        told: list[str] = []

        def look() -> None:
            try:
                far.receive_nowait(100)
            except trio.BrokenResourceError as error:
                told.append(str(error))

        far.watch_arrivals(look)
        near.abort()
        await trio.sleep(1.0)
        assert told == [f"receive from {near.local}: connection reset by peer"]

    run(main)


def test_room_is_told_when_the_window_opens() -> None:
    async def main() -> None:
        near, far = await connected(VirtualNetwork(latency_seconds=0.001, window_bytes=10))
        begin = trio.current_time()
        left = [b"x" * 25]
        done: list[float] = []

        def push() -> None:
            sent = near.send_nowait(left[0])
            left[0] = left[0][sent:]
            if left[0]:
                watch.arm()
            else:
                done.append(round(trio.current_time() - begin, 9))

        watch = near.watch_room(push)
        push()
        for _ in range(3):
            await far.receive_some(100)
        assert done == [0.004]  # 10 bytes at 0, 10 after one round trip, 5 after two.

    run(main)


def test_a_watch_that_rests_hears_nothing_until_it_is_woken() -> None:
    async def main() -> None:
        looks: list[float] = []
        due = [1.0]
        watch = Watch(lambda: due[0], lambda: looks.append(trio.current_time()))
        watch.arm()
        watch.rest()
        await trio.sleep(2.0)
        assert looks == []
        watch.wake()
        await trio.sleep(1.0)
        assert looks == [2.0]

    run(main)


def test_a_watch_that_has_ended_hears_nothing_and_holds_nobody() -> None:
    class Looker:
        def look(self) -> None:
            raise AssertionError("it has left")

    async def main() -> None:
        looker = Looker()
        watch = Watch(lambda: 1.0, looker.look)
        watch.arm()
        watch.end()
        watch.wake()
        left = weakref.ref(looker)
        del looker
        assert left() is None
        await trio.sleep(2.0)

    run(main)


def test_an_earlier_instant_takes_the_place_of_a_later_one() -> None:
    async def main() -> None:
        looks: list[float] = []
        due = [5.0]
        watch = Watch(lambda: due[0], lambda: looks.append(trio.current_time()))
        watch.arm()
        due[0] = 1.0
        watch.wake()
        await trio.sleep(6.0)
        assert looks == [1.0]

    run(main)


async def test_without_a_clock_that_makes_calls_it_says_what_is_needed() -> None:
    with pytest.raises(RuntimeError, match="actors need a DesClock: run them with"):
        Watch(lambda: 0.0, lambda: None)
