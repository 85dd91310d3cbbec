"""The faults of links: what is seen while they last, and what afterwards."""

import trio

from tests.sim.faults.play import LINK, Play, play
from trio_lb.sim.link import Path

BOTH = {"link": ["lb", "zone:a"]}


async def arrivals(world: Play, *sizes: int) -> list[float]:
    """When pieces of these sizes, sent now, would arrive at s1: seconds from now."""
    now = trio.current_time()
    return [world.there().arrival(now, size) - now for size in sizes]


def test_latency_is_added_on_the_way_that_is_meant_and_taken_off_again() -> None:
    async def scene(world: Play) -> None:
        heals = [
            world.inject("latency", LINK, shift=0.5, way="there"),
            world.inject("latency", BOTH, shift=0.25),
        ]
        assert (world.there().latency_seconds, world.back().latency_seconds) == (1.75, 1.25)
        assert world.link("s2").path_from("s2").latency_seconds == 1.25
        assert world.link("s3").path_from("lb").latency_seconds == 1.0
        heals[0]()
        assert (world.there().latency_seconds, world.back().latency_seconds) == (1.25, 1.25)
        heals[1]()
        assert (world.there().latency_seconds, world.back().latency_seconds) == (1.0, 1.0)

    play(scene)


def test_jitter_and_loss_add_up() -> None:
    async def scene(world: Play) -> None:
        heals = [world.inject("jitter", LINK, most=0.5), world.inject("jitter", LINK, most=0.25)]
        heals += [world.inject("loss", LINK, share=0.5), world.inject("loss", LINK, share=0.5)]
        assert (world.there().jitter_seconds, world.there().loss) == (0.75, 0.75)
        late = [each - 1.0 for each in await arrivals(world, *[1] * 100)]
        assert 0.5 < max(late) <= 0.75
        for heal in heals:
            heal()
        assert (world.there().jitter_seconds, world.there().loss) == (0.0, 0.0)
        assert await arrivals(world, 1) == [1.0]

    play(scene)


def test_the_narrowest_cap_counts() -> None:
    async def scene(world: Play) -> None:
        wide = world.inject("bandwidth", LINK, rate=1000, way="there")
        narrow = world.inject("bandwidth", LINK, rate=100)
        assert await arrivals(world, 100) == [2.0]
        narrow()
        assert await arrivals(world, 500) == [2.5], "behind the 100 of before"
        assert world.back().bandwidth_bytes_per_second is None
        wide()
        assert await arrivals(world, 500) == [1.0]

    play(scene)


def test_with_bufferbloat_latency_grows_with_load_until_the_queue_is_full() -> None:
    async def scene(world: Play) -> None:
        heal = world.inject("bufferbloat", LINK, rate=1024, queue=4096)
        late = await arrivals(world, *[1024] * 4)
        assert late == [2.0, 3.0, 4.0, 5.0]
        (lost,) = await arrivals(world, 1024)
        assert lost == 6.0, "lost, and sent again until there was room: at 1.4 s"
        heal()
        assert await arrivals(world, 1024) == [1.0]
        assert world.there().queue_bytes is None

    play(scene)


def held(path: Path, at: float) -> bool:
    return path.delivery(at) > at


def test_a_link_that_flaps_is_down_and_up_in_turn_until_it_is_healed() -> None:
    async def scene(world: Play) -> None:
        heal = world.inject("flap", LINK, down=2.0, up=3.0)
        seen = []
        for second in range(12):
            seen.append(world.there().is_stalled)
            assert world.back().is_stalled == seen[-1]
            await trio.sleep_until(second + 1.0)
        # At the instants of a switch it has been made.
        assert [second for second in range(12) if seen[second]] == [0, 1, 5, 6, 10, 11]
        await trio.sleep_until(15.5)
        heal()
        await trio.sleep(100)
        assert not world.there().is_stalled
        assert not held(world.there(), 50.0)

    play(scene)


def test_a_link_comes_up_when_the_last_partition_of_it_is_healed() -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        near.send_nowait(b"hello")
        first = world.inject("partition", LINK, way="there")
        second = world.inject("partition", {"link": ["zone:a", "lb"]})
        assert (world.there().is_stalled, world.back().is_stalled) == (True, True)
        world.at(10.0, second)
        world.at(20.0, first)
        assert await far.receive_some(10) == b"hello"
        assert trio.current_time() == 20.0
        far.send_nowait(b"back")
        await near.receive_some(10)
        assert trio.current_time() == 21.0

    play(scene)


def test_a_jam_lets_syns_and_bytes_go_at_its_end() -> None:
    async def scene(world: Play) -> None:
        await world.listen()
        heals = [world.inject("jam", LINK), world.inject("jam", LINK)]
        world.at(30.0, heals[1])
        world.at(60.0, heals[0])
        await world.dial()
        assert trio.current_time() == 61.0

    play(scene)


def test_a_partition_that_overlaps_a_jam_goes_on_after_it() -> None:
    async def scene(world: Play) -> None:
        near, far = await world.pair()
        jam, cut = world.inject("jam", LINK), world.inject("partition", LINK)
        near.send_nowait(b"x")
        world.at(10.0, jam)
        world.at(20.0, cut)
        await far.receive_some(1)
        assert trio.current_time() == 20.0

    play(scene)


def test_swizzle_clog_stops_links_in_turn_and_frees_the_last_at_the_end() -> None:
    async def scene(world: Play) -> None:
        links = [world.link(name) for name in ("s1", "s2", "s3")]
        paths = [link.path_from("lb") for link in links]
        await trio.sleep(10)
        all_of_them = {"link": ["lb", "zone:a"]}
        heal = world.inject("swizzle_clog", all_of_them, until=20.0, step=2.0)
        counts = []
        for second in range(10, 21):
            await trio.sleep_until(second + 0.5)
            counts.append(sum(path.is_stalled for path in paths))
        assert counts == [1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 0], "s3 is in another zone"
        heal()
        await trio.sleep_until(40)
        world.inject("swizzle_clog", all_of_them, until=41.0, step=2.0)
        await trio.sleep(0.5)
        assert sum(path.is_stalled for path in paths) <= 1, "there was no time for both"
        await trio.sleep(10)
        assert not any(path.is_stalled for path in paths)

    play(scene)


def test_a_clog_without_an_end_is_freed_by_its_heal() -> None:
    async def scene(world: Play) -> None:
        heal = world.inject("swizzle_clog", BOTH, step=1.0)
        await trio.sleep(5)
        assert world.there().is_stalled
        heal()
        assert not world.there().is_stalled
        await trio.sleep(5)
        assert not world.there().is_stalled

    play(scene)
