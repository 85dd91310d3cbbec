"""Connecting without a task: the same instants and errors as with one, and nothing left behind."""

import pytest
import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError
from trio_lb.sim.clock import DesClock
from trio_lb.sim.dialling import Dialling, Outcome
from trio_lb.sim.link import Connects
from trio_lb.sim.network import VirtualNetwork
from trio_lb.sim.run import run
from trio_lb.sim.stream import VirtualStream


class Scene:
    """Host a, which dials, and b, which listens on port 80; one millisecond apart."""

    def __init__(self) -> None:
        self.net = VirtualNetwork(seed=1)
        self.a, self.b = self.net.host("a"), self.net.host("b")
        self.listener = self.b.listen_nowait(Address(self.b.address, 80))
        self.told: list[tuple[float, Outcome]] = []

    def dial(self, host: str = "10.0.0.2", port: int = 80) -> Dialling:
        """Dial, and have what comes of it told with its instant."""
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, DesClock)

        def on_done(outcome: Outcome) -> None:
            self.told.append((round(clock.current_time(), 9), outcome))

        return Dialling(clock, self.a, Address(host, port), on_done)

    @property
    def only(self) -> tuple[float, Outcome]:
        """What was told, once."""
        (one,) = self.told
        return one


def test_it_stands_after_a_round_trip_and_nobody_is_told_before_the_call_returns() -> None:
    async def play() -> None:
        scene = Scene()
        scene.dial()
        assert scene.told == []
        await trio.sleep(1.0)
        at, stream = scene.only
        assert at == 0.002
        assert isinstance(stream, VirtualStream)
        assert stream.peer == Address("10.0.0.2", 80)
        stream.close()
        assert (scene.a.descriptors.used, scene.net.streams_of("a")) == (0, [])

    run(play)


def test_a_refusal_is_told_after_a_round_trip() -> None:
    async def play() -> None:
        scene = Scene()
        scene.dial(port=81)
        await trio.sleep(1.0)
        at, error = scene.only
        assert at == 0.002
        assert isinstance(error, ConnectError)
        assert error.refused
        assert scene.a.descriptors.used == 0

    run(play)


def test_what_cannot_even_be_tried_is_told_from_the_clock() -> None:
    async def play() -> None:
        scene = Scene()
        scene.a.crash()
        scene.dial()
        assert scene.told == []
        await trio.sleep(1.0)
        at, error = scene.only
        assert at == 0.0
        assert isinstance(error, ConnectError)
        assert error.ours

    run(play)


def test_a_name_s_addresses_are_tried_in_their_order_after_the_resolver_s_time() -> None:
    async def play() -> None:
        scene = Scene()
        scene.net.host("c")  # Nobody listens there.
        scene.net.set_name("app", ["10.0.0.3", "10.0.0.2"])
        scene.net.names.entry("app").delay_seconds = 0.5
        scene.dial("app")
        await trio.sleep(1.0)
        at, stream = scene.only
        assert at == 0.504
        assert isinstance(stream, VirtualStream)
        assert stream.peer == Address("app", 80)

    run(play)


def test_nobody_is_asked_for_the_path_of_a_unix_socket() -> None:
    async def play() -> None:
        scene = Scene()
        listener = scene.a.listen_nowait(Address("unix:/run/app.sock", 0))
        scene.dial("unix:/run/app.sock", 0)
        await trio.sleep(1.0)
        at, stream = scene.only
        assert at == 0.0
        assert isinstance(stream, VirtualStream)
        stream.close()
        await listener.aclose()

    run(play)


def test_a_name_that_nobody_knows_is_told() -> None:
    async def play() -> None:
        scene = Scene()
        scene.dial("nobody")
        await trio.sleep(1.0)
        _, error = scene.only
        assert str(error) == "nobody: name is not known"

    run(play)


@pytest.mark.parametrize("after", [0.0, 0.0005, 0.001, 0.0015])
def test_who_leaves_is_told_nothing_and_leaves_nothing(after: float) -> None:
    async def play() -> None:
        scene = Scene()
        dialling = scene.dial()
        await trio.sleep(after)
        dialling.leave()
        dialling.leave()
        await trio.sleep(1.0)
        assert scene.told == []
        assert scene.net.open_streams() == []
        assert scene.a.descriptors.used == 0
        assert scene.listener.accept_nowait(10) == ()

    run(play)


def test_a_connect_that_is_cancelled_in_the_instant_of_its_end_leaves_nothing() -> None:
    async def play() -> None:
        scene = Scene()
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, DesClock)
        with trio.CancelScope() as scope:
            clock.call_at(0.002, scope.cancel)  # Before the call that ends the handshake.
            await scene.a.connect(Address("10.0.0.2", 80))
        assert (scope.cancelled_caught, trio.current_time()) == (True, 0.002)
        await trio.sleep(1.0)
        assert scene.net.streams_of("a") == []
        assert scene.a.descriptors.used == 0

    run(play)


def test_a_blackhole_is_told_after_127_seconds() -> None:
    async def play() -> None:
        scene = Scene()
        scene.net.link("a", "b").connects = Connects.BLACKHOLE
        scene.dial()
        await trio.sleep(200.0)
        at, error = scene.only
        assert at == 127.0
        assert str(error) == "10.0.0.2:80: connection timed out"

    run(play)


def test_a_jam_holds_it_until_it_is_clear() -> None:
    async def play() -> None:
        scene = Scene()
        path = scene.net.link("a", "b").path_from("a")
        path.jam(0.0)
        scene.dial()
        await trio.sleep(60.0)
        path.clear(60.0)
        await trio.sleep(1.0)
        assert scene.only[0] == 60.001

    run(play)
