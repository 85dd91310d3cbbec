"""A sender whose bytes nobody acknowledges gives up after Linux's 924.6 s, and only then."""

import contextlib
import errno
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.sim.support import far_apart, pair
from tests.support.clock import run_in_virtual_time
from trio_lb.sim.clock import DesClock, SimulationStuck
from trio_lb.sim.giving_up import GIVES_UP_SECONDS
from trio_lb.sim.link import Link
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.rule import End, Rule, Ruling
from trio_lb.sim.run import run
from trio_lb.sim.shim import install, on_host
from trio_lb.sim.stream import VirtualStream


class Scene:
    """A connection, one second each way, that stands at 3 s; ``near`` is the sender."""

    def __init__(self, net: VirtualNetwork, near: VirtualStream, far: VirtualStream) -> None:
        self.net, self.near, self.far = net, near, far
        self.link: Link = net.link("a", "b")
        self.clock = trio.lowlevel.current_clock()

    async def broken_at(self, stream: VirtualStream) -> float:
        """Read until it breaks."""
        with contextlib.suppress(trio.BrokenResourceError):
            while await stream.receive_some(100):
                pass
            pytest.fail("it ended in good order")
        return trio.current_time()


def play(act: Callable[[Scene], Awaitable[None]], clock: DesClock | None = None) -> None:
    async def main() -> None:
        net = VirtualNetwork(7)
        far_apart(net)
        near, far = await pair(net)
        await act(Scene(net, near, far))
        near.abort()
        far.abort()

    run_in_virtual_time(main, clock=clock or DesClock())


def test_the_time_is_that_of_sixteen_timeouts() -> None:
    timeouts = [min(0.2 * 2**turn, 120.0) for turn in range(16)]
    assert sum(timeouts) == pytest.approx(GIVES_UP_SECONDS)


def test_what_is_sent_into_a_cut_is_given_up_when_its_first_byte_is_924_6_s_old() -> None:
    async def act(scene: Scene) -> None:
        await trio.sleep_until(10)
        scene.link.stall()
        await trio.sleep_until(15)
        scene.near.send_nowait(b"first")
        await trio.sleep_until(600)
        scene.near.send_nowait(b"second")
        assert await scene.broken_at(scene.near) == 939.6
        with pytest.raises(trio.BrokenResourceError, match="connection timed out"):
            scene.near.receive_nowait(1)
        assert not scene.near.is_closed, "that is its owner's to do"

    play(act)


def test_what_was_under_way_when_the_cut_began_counts_from_its_sending() -> None:
    async def act(scene: Scene) -> None:
        scene.near.send_nowait(b"lost")
        await trio.sleep(0.5)
        scene.link.stall()
        assert await scene.broken_at(scene.near) == 927.6

    play(act)


def test_who_sends_nothing_into_the_dark_keeps_its_connection() -> None:
    async def act(scene: Scene) -> None:
        scene.near.send_nowait(b"arrives")
        await trio.sleep(2)
        scene.link.stall()
        await trio.sleep(10_000)
        assert not scene.near.is_reset
        assert await scene.far.receive_some(100) == b"arrives"
        scene.near.send_nowait(b"late")
        assert await scene.broken_at(scene.near) == 10_929.6, "and then it does give up"

    play(act)


def test_a_cut_that_ends_in_time_breaks_nothing() -> None:
    async def act(scene: Scene) -> None:
        scene.link.stall()
        scene.near.send_nowait(b"patience")
        await trio.sleep(924.5)
        scene.link.heal()
        assert await scene.far.receive_some(100) == b"patience"
        await trio.sleep(2000)
        assert not scene.near.is_reset

    play(act)


def test_each_cut_is_waited_for_anew() -> None:
    async def act(scene: Scene) -> None:
        for _ in range(5):
            scene.link.stall()
            scene.near.send_nowait(b"x")
            await trio.sleep(900)
            scene.link.heal()
            await trio.sleep(100)
        assert not scene.near.is_reset
        scene.link.stall()
        began = trio.current_time()
        scene.near.send_nowait(b"x")
        assert await scene.broken_at(scene.near) == began + 924.6

    play(act)


def test_what_was_given_up_never_arrives_and_the_other_end_is_answered_by_a_reset() -> None:
    async def act(scene: Scene) -> None:
        scene.link.stall()
        scene.near.send_nowait(b"lost")
        await scene.broken_at(scene.near)
        scene.near.close()
        scene.link.heal()
        await trio.sleep(100)
        assert scene.far.receive_nowait(100) is None
        assert not scene.far.is_reset, "it was told nothing"
        began = trio.current_time()
        scene.far.send_nowait(b"still there?")
        assert await scene.broken_at(scene.far) == began + 2.0

    play(act)


def test_a_sender_that_waits_for_room_is_told_too() -> None:
    async def act(scene: Scene) -> None:
        scene.link.stall()
        assert await scene.near.send_some(bytes(100_000)) == 65536
        with pytest.raises(trio.BrokenResourceError):
            await scene.near.send_some(b"more")
        assert trio.current_time() == 927.6

    play(act)


def test_only_who_sends_into_the_dark_gives_up() -> None:
    async def act(scene: Scene) -> None:
        scene.link.stall(sent_by="a")
        scene.near.send_nowait(b"lost")
        for _ in range(20):
            await trio.sleep(50)
            scene.far.send_nowait(b"comes")
        assert scene.near.is_reset
        assert not scene.far.is_reset

    play(act)


def test_an_end_of_file_that_nobody_acknowledges_is_given_up() -> None:
    async def act(scene: Scene) -> None:
        scene.link.stall()
        scene.near.finish()
        assert await scene.broken_at(scene.near) == 927.6

    play(act)


def test_a_host_without_power_acknowledges_nothing() -> None:
    async def act(scene: Scene) -> None:
        await trio.sleep_until(10)
        scene.net.host("b").crash()
        await trio.sleep_until(20)
        scene.near.send_nowait(b"?")
        assert await scene.broken_at(scene.near) == 944.6

    play(act)


def test_a_box_that_forgot_the_connection_acknowledges_nothing() -> None:
    async def act(scene: Scene) -> None:
        scene.link.idle_drop_seconds = 60.0
        await trio.sleep_until(100)
        scene.near.send_nowait(b"?")
        await trio.sleep_until(500)
        scene.near.send_nowait(b"??")
        assert await scene.broken_at(scene.near) == 1024.6

    play(act)


class Swallow(Rule):
    """Lets nothing pass."""

    def judge(self, data: bytes, now: float) -> Ruling:
        return Ruling(b"", end=End.DROP)


def test_what_somebody_swallows_is_given_up() -> None:
    async def act(scene: Scene) -> None:
        scene.near.outgoing.rules.append(Swallow())
        scene.near.send_nowait(b"gone")
        assert await scene.broken_at(scene.near) == 927.6

    play(act)


def test_who_waits_for_what_a_cut_holds_for_ever_is_stuck_and_the_run_ends() -> None:
    async def main() -> None:
        net = VirtualNetwork(7)
        far_apart(net)
        near, _ = await pair(net)
        net.link("a", "b").stall()
        await near.receive_some(1)

    with pytest.raises(SimulationStuck, match=r"nobody is left who could act after 3 s"):
        run(main)


def test_while_all_is_well_there_is_no_call_on_the_clock() -> None:
    clock = DesClock()

    async def act(scene: Scene) -> None:
        for _ in range(10):
            scene.near.send_nowait(b"x")
            assert await scene.far.receive_some(1) == b"x"
        assert clock.pending == 0
        scene.link.stall()
        assert clock.pending == 0, "nothing is under way that could be lost"
        scene.near.send_nowait(b"x")
        scene.far.send_nowait(b"x")
        scene.link.stall()
        assert clock.pending == 1, "one for the link, however many look"
        scene.link.heal()
        await trio.sleep(1000)
        assert clock.pending == 0

    play(act, clock)


def test_a_program_on_trio_s_own_sockets_is_told_etimedout() -> None:
    async def main() -> list[int | None]:
        net = VirtualNetwork(7)
        numbers: list[int | None] = []
        with install(net):
            with on_host(net.host("api")):
                listener = trio.socket.socket()
                await listener.bind(("0.0.0.0", 80))
                listener.listen()
            for call in ("recv", "send"):
                with trio.socket.socket() as near:
                    await near.connect((net.host("api").address, 80))
                    net.link("main", "api").stall()
                    await near.send(bytes(65536))
                    with pytest.raises(OSError, match="timed out") as caught:
                        await (near.recv(1) if call == "recv" else near.send(b"more"))
                    numbers.append(caught.value.errno)
                    net.link("main", "api").heal()
            listener.close()
        return numbers

    assert run(main) == [errno.ETIMEDOUT, errno.ETIMEDOUT]
