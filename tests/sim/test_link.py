"""Links and paths: when does what leaves now arrive?"""

import contextlib
import itertools
import math
import random
from contextlib import aclosing

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.support import LATENCY, far_apart, pair
from trio_lb.model.address import Address
from trio_lb.sim.link import Link, Path
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.outages import Outages
from trio_lb.sim.pipe import Pipe
from trio_lb.sim.run import run
from trio_lb.sim.stream import VirtualStream

B_80 = Address("b", 80)
seconds = st.floats(0, 100)


def path(latency_seconds: float = 1.0) -> Path:
    return Path(latency_seconds, random.Random(0))


def test_arrives_one_latency_later() -> None:
    assert path(0.25).arrival(10.0) == 10.25


def test_the_bandwidth_is_shared_in_the_order_of_sending() -> None:
    slow = path()
    slow.bandwidth_bytes_per_second = 100.0
    assert [slow.arrival(0.0, 50), slow.arrival(0.0, 100), slow.arrival(9.0, 100)] == [
        1.5,
        2.5,
        11.0,
    ]


def test_what_has_no_size_does_not_queue_for_bandwidth() -> None:
    slow = path()
    slow.bandwidth_bytes_per_second = 100.0
    assert (slow.arrival(0.0, 500), slow.arrival(0.0)) == (6.0, 1.0)


def test_jitter_adds_at_most_what_it_says() -> None:
    shaky = path()
    shaky.jitter_seconds = 0.5
    arrivals = [shaky.arrival(0.0) for _ in range(100)]
    assert 1.0 <= min(arrivals) < 1.1
    assert 1.4 < max(arrivals) <= 1.5


def test_a_stall_holds_what_would_arrive_during_it_until_it_is_healed() -> None:
    held = path()
    held.stall(10.0)
    assert [held.delivery(at) for at in (9.9, 10.0, 12.0)] == [9.9, math.inf, math.inf]
    held.heal(20.0)
    assert [held.delivery(at) for at in (9.9, 10.0, 12.0, 20.5)] == [9.9, 20.0, 20.0, 20.5]


def test_what_one_stall_released_into_the_next_is_held_again() -> None:
    held = path()
    held.stall(10.0)
    held.heal(20.0)
    held.stall(20.0)
    held.heal(30.0)
    assert held.delivery(15.0) == 30.0


def test_stalling_and_healing_again_change_nothing() -> None:
    held = path()
    held.heal(1.0)
    held.stall(2.0)
    held.stall(3.0)
    assert held.is_stalled
    held.heal(4.0)
    held.heal(5.0)
    assert not held.is_stalled
    assert held.delivery(2.5) == 4.0


@given(st.lists(seconds, max_size=8).map(sorted), st.lists(seconds, min_size=2, max_size=2))
def test_no_stall_brings_anything_forward_or_swaps_two_arrivals(
    switched: list[float], arrivals: list[float]
) -> None:
    any_path = path()
    for number, at in enumerate(switched):
        (any_path.heal if number % 2 else any_path.stall)(at)
    first, second = sorted(arrivals)
    assert first <= any_path.delivery(first) <= any_path.delivery(second)


async def test_the_latency_of_a_link_holds_for_what_is_sent_from_then_on(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near, far:
        near.send_nowait(b"slow")
        net.link("a", "b").set_latency(0.125)
        near.send_nowait(b"fast")
        assert await far.receive_some(100) == b"slowfast", "a stream keeps its order"
        assert trio.current_time() == 4.0
        near.send_nowait(b"fast")
        await far.receive_some(100)
        assert trio.current_time() == 4.125


async def test_a_cap_of_the_link_delays_each_direction_by_itself(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    net.link("a", "b").set_bandwidth(10.0)
    async with near, far:
        near.send_nowait(bytes(20))
        far.send_nowait(bytes(10))
        await near.receive_some(100)
        assert trio.current_time() == 3.0 + 1.0 + LATENCY
        await far.receive_some(100)
        assert trio.current_time() == 3.0 + 2.0 + LATENCY


async def test_a_stall_of_one_direction_leaves_the_other_flowing(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    link = net.link("a", "b")
    async with near, far:
        near.send_nowait(b"held though it was under way")
        link.stall(sent_by="a")
        far.send_nowait(b"flows")
        assert await near.receive_some(100) == b"flows"
        with trio.move_on_after(60) as patience:
            await far.receive_some(100)
        assert patience.cancelled_caught
        link.heal()
        assert await far.receive_some(100) == b"held though it was under way"
        assert trio.current_time() == 64.0


def test_a_copy_of_what_was_lost_may_meet_the_next_stall() -> None:
    outages = Outages()
    outages.begin(10.0)
    outages.end(20.0)
    there = Path(1.0, random.Random(0), outages)
    there.stall(22.0)
    there.heal(30.0)
    assert there.delivery(10.0) == 30.0, "the copy that finds the host comes at 22.6 s"


# What is remembered.


async def test_after_a_thousand_faults_a_path_remembers_the_last(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    there = net.link("a", "b").path_from("a")
    async with near, far:
        near.send_nowait(b"nobody reads it for long")
        for number in range(1000):
            there.stall(trio.current_time())
            near.send_nowait(bytes([number % 256]))
            await trio.sleep(2.0)
            there.heal(trio.current_time())
            await trio.sleep(2.0)
            assert there.stalls <= 1
        assert len(await far.receive_some(65536)) == 24 + 1000


async def test_what_one_direction_holds_is_no_reason_to_remember_the_other(
    net: VirtualNetwork,
) -> None:
    far_apart(net)
    near, far = await pair(net)
    link = net.link("a", "b")
    async with near, far:
        link.stall(sent_by="b")
        far.send_nowait(b"held all day")
        for _ in range(1000):
            link.path_from("a").jam(trio.current_time())
            link.path_from("a").clear(trio.current_time() + 0.5)
            await trio.sleep(1.0)
        assert [link.path_from(end).stalls for end in "ab"] == [1, 1]


async def test_what_is_held_twice_is_still_held_by_both(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    link = net.link("a", "b")
    async with near, far:
        link.stall()
        near.send_nowait(b"held")
        await trio.sleep(5.0)
        link.heal()
        link.stall()
        with trio.move_on_after(5.0) as patience:
            await far.receive_some(100)
        assert patience.cancelled_caught
        link.heal()
        assert await far.receive_some(100) == b"held"
        assert trio.current_time() == 13.0


async def test_after_a_thousand_crashes_a_host_remembers_the_last(net: VirtualNetwork) -> None:
    a, b = net.host("a"), net.host("b")
    for _ in range(1000):
        async with aclosing(await b.listen(Address("b", 80))), await a.connect(B_80) as near:
            near.send_nowait(b"lost")
            b.crash()
        await trio.sleep(300.0)
        b.restart()
    assert len(net.outages_of("b").spans) <= 2


switches = st.sampled_from(["stall a", "stall b", "heal", "crash", "restart", "reset", "close"])
deeds = st.sampled_from(["send a", "send b", "eof a", "read a", "read b", "abort a"])
plays = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0]), st.one_of(switches, deeds)),
    max_size=25,
)


def seen(play: list[tuple[float, str]]) -> list[tuple[float, object]]:
    """Do these things so many seconds after each other; say what both ends have seen of it."""

    async def main() -> list[tuple[float, object]]:
        net, said = VirtualNetwork(1), list[tuple[float, object]]()
        far_apart(net)
        near, far = await pair(net)
        ends, link = {"a": near, "b": far}, net.link("a", "b")
        for seconds, deed in play:
            await trio.sleep(seconds)
            verb, _, name = deed.partition(" ")
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                match verb:
                    case "stall":
                        link.stall(sent_by=name)
                    case "heal" | "reset":
                        getattr(link, verb)()
                    case "crash" | "restart":
                        getattr(net.host("b"), verb)()
                    case "close":
                        near.close()
                    case "send":
                        said.append((trio.current_time(), ends[name].send_nowait(b"12345")))
                    case "eof":
                        ends[name].finish()
                    case "abort":
                        ends[name].abort()
                    case _:
                        said.append((trio.current_time(), ends[name].receive_nowait(3)))
            for end in (end for end in ends.values() if not end.is_closed):
                said.append((end.next_news(), (end.is_reset, end.has_ended, end.next_room())))
        return said

    return run(main)


@given(plays)
@settings(deadline=None)
def test_law_what_a_path_forgets_nobody_misses(play: list[tuple[float, str]]) -> None:
    forgetful = seen(play)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Link, "settle", lambda link, now: None)
        patch.setattr(Outages, "forget", lambda outages, before: None)
        remembering = seen(play)
    assert forgetful == remembering


async def test_healing_wakes_who_waits(net: VirtualNetwork, nursery: trio.Nursery) -> None:
    far_apart(net)
    near, far = await pair(net)
    link = net.link("a", "b")

    async def heal_later() -> None:
        await trio.sleep(50)
        link.heal()

    async with near, far:
        link.stall()
        near.send_nowait(b"held")
        nursery.start_soon(heal_later)
        assert await far.receive_some(100) == b"held"
        assert trio.current_time() == 53.0


async def test_a_reset_of_the_link_is_seen_at_once_by_both_ends(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near, far:
        near.send_nowait(b"under way, so lost")
        net.link("a", "b").reset()
        for end in (near, far):
            with pytest.raises(trio.BrokenResourceError):
                await end.receive_some(100)
            with pytest.raises(trio.BrokenResourceError):
                end.send_nowait(b"x")
        assert trio.current_time() == 3.0


# Loss.


def test_each_copy_that_is_lost_doubles_the_wait() -> None:
    lossy = path()
    lossy.loss = 0.5
    lates = [lossy.retransmission_seconds() for _ in range(1000)]
    assert {round(late, 9) for late in lates} >= {0.0, 0.2, 0.6, 1.4, 3.0}
    assert 450 < sum(late == 0.0 for late in lates) < 550
    assert 200 < sum(late == 0.2 for late in lates) < 300


def test_the_wait_for_a_copy_ends_at_two_minutes() -> None:
    lossy = path()
    lossy.loss = 0.95
    lates = sorted({lossy.retransmission_seconds() for _ in range(2000)})
    steps = [later - late for late, later in itertools.pairwise(lates)]
    assert steps[:10] == pytest.approx([0.2 * 2**n for n in range(10)])
    assert steps[10:15] == pytest.approx([120.0] * 5)


def test_without_loss_no_chance_is_drawn() -> None:
    rng = random.Random(0)
    quiet = Path(1.0, rng)
    before = rng.getstate()
    assert (quiet.retransmission_seconds(), quiet.is_lost()) == (0.0, False)
    assert rng.getstate() == before


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_a_loss_of_everything_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=r"not in \[0, 1\)"):
        path().loss = share


@given(st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=12), st.floats(0, 0.9))
def test_loss_delays_pieces_but_keeps_their_order(pieces: list[bytes], loss: float) -> None:
    there = path()
    there.loss = loss
    one = Pipe(there, path(), window_bytes=1000)
    arrivals = [one.put(piece, float(at)) for at, piece in enumerate(pieces)]
    assert arrivals == sorted(arrivals)
    assert all(arrival >= at + 1.0 for at, arrival in enumerate(arrivals))
    assert one.take(1000, arrivals[-1], arrivals[-1]) == b"".join(pieces)


async def test_a_lossy_link_delivers_everything_and_then_the_end(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    net.link("a", "b").set_loss(0.5)
    async with near, far:
        for number in range(50):
            near.send_nowait(bytes([number]))
        await near.send_eof()
        assert await receive_to_the_end(far) == bytes(range(50))
        assert trio.current_time() > 3.0 + LATENCY + 0.2


async def receive_to_the_end(stream: VirtualStream) -> bytes:
    parts: list[bytes] = []
    while part := await stream.receive_some(100):
        parts.append(part)
    return b"".join(parts)


async def test_a_lost_syn_is_sent_again_after_a_second(net: VirtualNetwork) -> None:
    net.link("a", "b").set_loss(0.2)
    a = net.host("a")
    took: list[float] = []
    async with aclosing(await net.host("b").listen(Address("b", 80))):
        for _ in range(40):
            began = trio.current_time()
            (await a.connect(Address("b", 80))).close()
            took.append(round(trio.current_time() - began, 6))
    assert set(took) <= {0.002 + late for late in (0, 1, 3, 7, 15, 31, 63)}
    assert {0.002, 1.002, 3.002} <= set(took)


def test_a_full_queue_before_the_narrow_place_costs_a_retransmission() -> None:
    bloated = path(0.0)
    bloated.bandwidth_bytes_per_second, bloated.queue_bytes = 100.0, 200.0
    assert [bloated.arrival(0.0, 100) for _ in range(3)] == [1.0, 2.0, 3.0]
    assert bloated.arrival(0.9, 100) == 4.0, "sent again at 1.1, 1.5 and 2.3 s, when there is room"


def test_a_cut_and_a_jam_hold_until_both_are_over() -> None:
    held = path()
    held.stall(1.0)
    held.jam(2.0)
    held.mend(3.0)
    assert held.is_stalled
    held.clear(5.0)
    held.jam(7.0)
    held.heal(8.0)
    assert [held.delivery(at) for at in (0.5, 1.5, 4.5, 6.0, 7.5)] == [0.5, 5.0, 5.0, 6.0, 8.0]
