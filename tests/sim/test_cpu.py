"""What work costs: one core, work in the order in which it comes, a queue at too much load."""

from contextlib import aclosing

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.address import Address
from trio_lb.sim.cpu import Cpu, CpuCost, CpuNetwork, CpuStream
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.stream import VirtualStream

SECOND = 1e6
COST = CpuCost(connection_us=4 * SECOND, receive_us=2 * SECOND, send_us=SECOND, kib_us=SECOND)


def test_work_is_done_in_its_order_one_after_the_other() -> None:
    cpu = Cpu(COST)
    assert [cpu.book(0.0, SECOND), cpu.book(0.5, SECOND), cpu.book(9.0, SECOND)] == [1.0, 2.0, 10.0]
    assert (cpu.is_busy(9.5), cpu.is_busy(10.0)) == (True, False)
    cpu.factor = 3.0
    assert cpu.book_bytes(10.0, SECOND, 2048) == 10.0 + 3 * (1 + 2)
    assert cpu.busy_seconds == 3.0 + 9.0


def test_a_small_request_costs_what_docs_benchmarks_measured() -> None:
    cost = CpuCost()
    assert 2 * (cost.receive_us + cost.send_us) == 75.0
    assert 75.0 + cost.connection_us == 128.0


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 20)), max_size=30))
def test_the_core_is_never_given_away_twice_and_never_idle_with_work(
    work: list[tuple[int, int]],
) -> None:
    cpu, free_at = Cpu(COST), 0.0
    for now, seconds in sorted(work):
        free_at = max(free_at, now) + seconds
        assert cpu.book(now, seconds * SECOND) == pytest.approx(free_at)
    assert cpu.busy_seconds == pytest.approx(sum(seconds for _, seconds in work))


async def pair(net: VirtualNetwork) -> tuple[VirtualStream, CpuStream, Cpu]:
    """A connection to ``b``, whose work costs; it stands at 7.0 s, when accepting was done."""
    net.link("a", "b").set_latency(1.0)
    network = CpuNetwork(net.host("b"), COST)
    async with aclosing(await network.listen(Address("b", 80))) as listener:
        near = await net.host("a").connect(listener.address)
        (far,) = await listener.accept_batch(16)
    assert trio.current_time() == 3.0 + 4.0
    return near, far, network.cpu


async def test_what_arrives_is_had_when_the_core_has_done_the_work(net: VirtualNetwork) -> None:
    near, far, cpu = await pair(net)
    async with near, far:
        near.send_nowait(bytes(1024))
        assert len(await far.receive_some(4096)) == 1024
        assert trio.current_time() == 8.0 + 2.0 + 1.0, "arrives at 8, a receive and a KiB"
        assert cpu.busy_seconds == 7.0


async def test_what_is_sent_leaves_at_once_and_delays_what_comes_next(net: VirtualNetwork) -> None:
    near, far, _ = await pair(net)
    async with near, far:
        near.send_nowait(bytes(1024))
        assert far.send_nowait(bytes(3 * 1024)) == 3 * 1024
        await near.receive_some(10_000)
        assert trio.current_time() == 8.0
        await far.receive_some(10_000)
        assert trio.current_time() == 7.0 + 4.0 + 3.0


async def test_connections_that_knock_at_once_wait_for_each_other_and_what_they_say_for_all(
    net: VirtualNetwork,
) -> None:
    net.link("a", "b").set_latency(1.0)
    network = CpuNetwork(net.host("b"), COST)
    async with aclosing(await network.listen(Address("b", 80))) as listener:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(net.host("a").connect, listener.address)
        batch = await listener.accept_batch(2)
        assert (len(batch), trio.current_time()) == (2, 3.0 + 8.0)
        assert len(await listener.accept_batch(2)) == 1
        assert trio.current_time() == 11.0 + 4.0
        assert listener.address.port == 80
        for stream in net.open_streams():
            stream.abort()


async def test_a_receiver_that_is_cancelled_loses_nothing(net: VirtualNetwork) -> None:
    near, far, _ = await pair(net)
    async with near, far:
        near.send_nowait(b"abcdef")
        with trio.move_on_after(2.0) as patience:
            await far.receive_some(100)
        assert patience.cancelled_caught
        assert far.is_stale()
        assert far.receive_nowait(100) is None, "the core is at work"
        assert await far.receive_some(4) == b"abcd"
        assert trio.current_time() == pytest.approx(10.0, abs=0.01)
        assert await far.receive_some(4) == b"ef", "it was paid for"
        assert trio.current_time() == pytest.approx(10.0, abs=0.01)
        assert not far.is_stale()


async def test_an_acceptor_that_is_cancelled_loses_nobody(net: VirtualNetwork) -> None:
    net.link("a", "b").set_latency(1.0)
    network = CpuNetwork(net.host("b"), COST)
    listener = await network.listen(Address("b", 80))
    near = await net.host("a").connect(listener.address)
    with trio.move_on_after(2.0) as patience:
        await listener.accept_batch(16)
    assert patience.cancelled_caught
    assert len(await listener.accept_batch(16)) == 1
    assert trio.current_time() == 7.0
    other = await net.host("a").connect(listener.address)
    with trio.move_on_after(2.0):
        await listener.accept_batch(16)
    await listener.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await other.receive_some(1)
    near.abort()
    for stream in net.open_streams():
        stream.abort()


async def test_the_end_of_file_and_a_look_without_waiting_cost_too(net: VirtualNetwork) -> None:
    near, far, cpu = await pair(net)
    async with near, far:
        near.send_nowait(b"x")
        await trio.sleep(5)
        assert far.receive_nowait(100) == b"x"
        assert cpu.busy_seconds == pytest.approx(6.0, abs=0.01)
        assert far.receive_nowait(100) is None
        await near.send_eof()
        assert await far.receive_some(100) == b""
        assert trio.current_time() == pytest.approx(14.0 + 2.0, abs=0.01)
        assert await far.receive_some(100) == b""


async def test_a_pause_holds_also_what_the_core_was_working_on(
    net: VirtualNetwork, nursery: trio.Nursery
) -> None:
    near, far, _ = await pair(net)

    async def go_on_later() -> None:
        await trio.sleep_until(60)
        net.host("b").resume()

    async with near, far:
        near.send_nowait(b"x")
        await trio.sleep(1.5)
        with trio.move_on_after(0.25):
            await far.receive_some(1)
        net.host("b").pause()
        nursery.start_soon(go_on_later)
        assert far.receive_nowait(1) is None
        assert await far.receive_some(1) == b"x"
        assert trio.current_time() == 60.0


async def test_dialling_costs_and_all_else_is_the_stream_s_own(net: VirtualNetwork) -> None:
    net.link("a", "b").set_latency(1.0)
    network, b = CpuNetwork(net.host("a"), COST), net.host("b")
    assert await network.resolve("b") == [b.address]
    async with aclosing(await b.listen(Address("b", 80))) as listener:
        async with await network.connect(Address("b", 80)) as near:
            assert trio.current_time() == 2.0
            assert network.cpu.is_busy(5.9)
            assert (near.peer, near.local) == (Address("b", 80), near.inner.local)
            assert near.serial == near.inner.serial
            (far,) = await listener.accept_batch(1)
            assert await near.send_some(b"x") == 1
            await near.send_eof()
            await trio.sleep(2)
            assert await far.receive_some(9) == b"x"
            assert await far.receive_some(9) == b""
            far.close()
            assert repr(near).startswith("<CpuStream of <VirtualStream")
        assert near.inner.is_closed
    network.host.cpu = None


async def test_above_its_capacity_a_queue_grows_before_the_core(net: VirtualNetwork) -> None:
    """150 requests a second at 10 ms each: each second leaves half a second of work."""
    network = CpuNetwork(net.host("b"), CpuCost(connection_us=0, receive_us=10_000, send_us=0))
    listener = await network.listen(Address("b", 80))
    waits: dict[int, float] = {}

    async def serve(stream: CpuStream) -> None:
        while await stream.receive_some(100):
            stream.send_nowait(b"answer")

    async def ask(number: int) -> None:
        stream = await net.host("a").connect(listener.address)
        await trio.sleep_until(1.0 + number / 150)
        stream.send_nowait(b"question")
        began = trio.current_time()
        await stream.receive_some(100)
        waits[number] = trio.current_time() - began

    async def accept() -> None:
        while True:
            for stream in await listener.accept_batch(100):
                nursery.start_soon(serve, stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        async with trio.open_nursery() as crowd:
            for number in range(300):
                crowd.start_soon(ask, number)
        nursery.cancel_scope.cancel()
    latencies = 2 * 0.001
    for number, wait in waits.items():
        assert wait == pytest.approx(latencies + 0.010 * (number + 1) - number / 150, abs=1e-6)
    assert network.cpu.busy_seconds == pytest.approx(3.0)
    await listener.aclose()
    for left in net.open_streams():
        left.abort()
