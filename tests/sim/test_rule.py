"""Rules and valves: what passes, how late, how it ends, and what may be read of it."""

import math
import random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.sim.support import far_apart, pair
from trio_lb.sim.link import Path
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.pipe import Pipe
from trio_lb.sim.rule import Drip, End, Rule, Ruling, Valve, judge


class Upto:
    """Lets so many bytes of a piece pass, so late, and ends it so."""

    def __init__(self, size: int, end: End = End.NONE, late_seconds: float = 0.0) -> None:
        self.ruling = (size, late_seconds, end)

    def judge(self, data: bytes, now: float) -> Ruling:
        size, late_seconds, end = self.ruling
        return Ruling(data[:size], late_seconds, end)


def test_rules_add_their_delays_and_the_first_end_is_the_end() -> None:
    rules: list[Rule] = [Upto(9, late_seconds=1.0), Upto(4, End.FIN, 0.5), Upto(1, End.RESET)]
    assert judge(rules, b"0123456789", 0.0) == (b"0123", 1.5, End.FIN)
    assert judge([], b"ab", 0.0) == (b"ab", 0.0, End.NONE)


@pytest.mark.parametrize(
    ("end", "seen"),
    [(End.FIN, b""), (End.RESET, trio.BrokenResourceError), (End.DROP, None)],
)
async def test_what_passed_is_read_and_then_the_end(
    net: VirtualNetwork, end: End, seen: object
) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near, far:
        far.outgoing.rules.append(Upto(3, end))
        assert far.send_nowait(b"abcdef") == 6, "the sender is told nothing"
        assert await near.receive_some(100) == b"abc"
        assert trio.current_time() == 4.0
        with trio.move_on_after(60) as patience:
            if seen is trio.BrokenResourceError:
                with pytest.raises(trio.BrokenResourceError):
                    await near.receive_some(100)
                with pytest.raises(trio.BrokenResourceError):
                    far.send_nowait(b"x")
            else:
                assert await near.receive_some(100) == seen
        assert patience.cancelled_caught == (seen is None)
        assert trio.current_time() == (64.0 if seen is None else 4.0)


async def test_what_comes_behind_a_forged_end_of_file_vanishes(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near, far:
        rule = Upto(0, End.FIN)
        far.outgoing.rules.append(rule)
        far.send_nowait(b"abc")
        far.outgoing.rules.remove(rule)
        for _ in range(40):
            assert far.send_nowait(bytes(60_000)) == 60_000, "no window fills"
        assert await near.receive_some(100) == b""


async def test_a_late_piece_holds_up_what_follows(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near, far:
        rule = Upto(100, late_seconds=2.5)
        far.outgoing.rules.append(rule)
        far.send_nowait(b"late ")
        far.outgoing.rules.remove(rule)
        far.send_nowait(b"behind")
        assert await near.receive_some(100) == b"late behind"
        assert trio.current_time() == 3.0 + 1.0 + 2.5


async def test_a_closed_valve_fills_the_window_and_gives_all_when_it_is_taken_off(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    far_apart(net)
    near, far = await pair(net)
    valve = Valve()

    async def open_later() -> None:
        await trio.sleep(60)
        far.incoming.valves.remove(valve)
        far.wake()

    async with near, far:
        far.incoming.valves.append(valve)
        assert near.send_nowait(bytes(net.window_bytes)) == net.window_bytes
        await trio.sleep(10)
        assert near.send_nowait(b"x") == 0
        assert not far.is_stale()
        nursery.start_soon(open_later)
        assert len(await far.receive_some(1_000_000)) == net.window_bytes
        assert trio.current_time() == 73.0


async def test_closing_before_a_valve_with_bytes_behind_it_is_a_reset(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near:
        near.send_nowait(b"unread")
        far.incoming.valves.append(Valve())
        await trio.sleep(5)
        far.close()
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(1)
        assert trio.current_time() == 9.0


async def test_a_drip_gives_a_piece_and_the_next_one_after_its_time(net: VirtualNetwork) -> None:
    far_apart(net)
    near, far = await pair(net)
    async with near, far:
        near.incoming.valves.append(Drip(2, 0.25))
        far.send_nowait(b"abcde")
        read = [(await near.receive_some(100), trio.current_time()) for _ in range(3)]
        assert read == [(b"ab", 4.0), (b"cd", 4.25), (b"e", 4.5)]


@given(
    st.binary(min_size=1, max_size=50),
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from([0.0, 0.125, 0.5])), max_size=3),
)
def test_drips_lose_and_swap_nothing_and_keep_to_the_slowest(
    data: bytes, drips: list[tuple[int, float]]
) -> None:
    path = Path(0.0, random.Random(0))
    pipe = Pipe(path, path, 100)
    pipe.valves.extend(Drip(size, every) for size, every in drips)
    pipe.put(data, 0.0)
    read, now = bytearray(), 0.0
    while (at := pipe.next_delivery()) < math.inf:
        now = at
        read += pipe.take(100, now, now) or b""
    assert read == data
    if drips:
        pieces = math.ceil(len(data) / min(size for size, _ in drips))
        assert now == (pieces - 1) * max(every for _, every in drips)


async def test_a_greeter_puts_a_rule_onto_each_new_connection_of_a_link(
    net: VirtualNetwork,
) -> None:
    """The example of docs/design/virtual-network.md."""

    class FewWords:
        """Lets the first hundred bytes of a connection pass, then resets it."""

        def __init__(self) -> None:
            self.left = 100

        def judge(self, data: bytes, now: float) -> Ruling:
            passes, self.left = data[: self.left], max(0, self.left - len(data))
            return Ruling(passes, end=End.NONE if len(passes) == len(data) else End.RESET)

    far_apart(net)
    net.link("a", "b").greeters.append(lambda end: end.outgoing.rules.append(FewWords()))
    near, far = await pair(net)
    async with near, far:
        for end in (near, far):
            assert end.send_nowait(bytes(100)) == 100
        assert len(await near.receive_some(1000)) == 100
        near.send_nowait(b"one too many")
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some(1)
