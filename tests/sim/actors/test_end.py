"""What an actor relies on, of a plain connection and of TLS over one alike."""

from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.sim.support import far_apart, pair
from tests.support.clock import run_in_virtual_time
from trio_lb.sim.actors.end import End
from trio_lb.sim.actors.tls_end import TlsEnd
from trio_lb.sim.certificates import NAME, client_context, server_context
from trio_lb.sim.clock import DesClock
from trio_lb.sim.network import VirtualNetwork

Scene = Callable[["Ends"], Awaitable[None]]


class Reader:
    """Reads whatever comes, as actors do: by a watch."""

    def __init__(self, end: End) -> None:
        self.end = end
        self.got = b""
        self.ended_by = ""
        self._watch = end.watch_arrivals(self._look)

    def _look(self) -> None:
        try:
            while data := self.end.receive_nowait(1000):
                self.got += data
        except trio.BrokenResourceError:
            self.ended_by = "reset"
        else:
            if data is None:
                self._watch.arm()
            else:
                self.ended_by = "end of file"


class Ends:
    """A connection with a reader at either end."""

    def __init__(self, near: End, far: End) -> None:
        self.near, self.far = near, far
        self.at_near, self.at_far = Reader(near), Reader(far)

    def send_all(self, data: bytes) -> None:
        """Send from the near end, going on whenever there is room."""
        left = memoryview(data)

        def push() -> None:
            nonlocal left
            left = left[self.near.send_nowait(left) :]
            if left:
                room.arm()

        left = left[self.near.send_nowait(left) :]
        room = self.near.watch_room(push)


@pytest.fixture(params=["plain", "TLS"])
def play(request: pytest.FixtureRequest) -> Callable[[Scene], None]:
    """Play a scene on a connection, a second each way, that stands at 3 s."""

    def run(scene: Scene) -> None:
        async def main() -> None:
            net = VirtualNetwork(7)
            far_apart(net)
            near, far = await pair(net)
            if request.param == "plain":
                ends = Ends(near, far)
            else:
                shaking = TlsEnd(near, client_context(), server_name=NAME)
                ends = Ends(shaking, TlsEnd(far, server_context(), server_side=True))
            await trio.sleep(7.0)
            await scene(ends)
            near.abort()
            far.abort()

        run_in_virtual_time(main, clock=DesClock())

    return run


def test_what_is_sent_comes_a_second_later(play: Callable[[Scene], None]) -> None:
    async def scene(ends: Ends) -> None:
        assert ends.near.send_nowait(b"hello") == 5
        await trio.sleep(0.999)
        assert ends.at_far.got == b""
        await trio.sleep(0.002)
        assert ends.at_far.got == b"hello"

    play(scene)


def test_more_than_the_window_holds_comes_piece_by_piece_and_whole(
    play: Callable[[Scene], None],
) -> None:
    data = bytes(range(256)) * 1200

    async def scene(ends: Ends) -> None:
        ends.send_all(data)
        await trio.sleep(100)
        assert ends.at_far.got == data

    play(scene)


def test_a_close_is_an_end_of_file_and_a_reset_none(play: Callable[[Scene], None]) -> None:
    async def scene(ends: Ends) -> None:
        ends.far.send_nowait(b"bye")
        ends.far.close()
        assert ends.far.is_closed
        await trio.sleep(2)
        assert (ends.at_near.got, ends.at_near.ended_by) == (b"bye", "end of file")

    async def cut(ends: Ends) -> None:
        ends.far.abort()
        await trio.sleep(2)
        assert ends.at_near.ended_by == "reset"

    play(scene)
    play(cut)


def test_an_idle_one_is_stale_once_something_came_for_nobody(
    play: Callable[[Scene], None],
) -> None:
    async def scene(ends: Ends) -> None:
        assert not ends.near.is_stale()
        ends.far.send_nowait(b"?")
        await trio.sleep(0.5)
        assert not ends.near.is_stale()
        ends.at_near._watch.end()
        await trio.sleep(1)
        assert ends.near.is_stale()

    play(scene)


def test_who_closed_it_can_neither_send_nor_receive(play: Callable[[Scene], None]) -> None:
    async def scene(ends: Ends) -> None:
        ends.near.close()
        with pytest.raises(trio.ClosedResourceError):
            ends.near.receive_nowait(1)
        with pytest.raises(trio.ClosedResourceError):
            ends.near.send_nowait(b"x")

    play(scene)


def test_its_number_is_the_connection_s(play: Callable[[Scene], None]) -> None:
    async def scene(ends: Ends) -> None:
        assert (ends.near.serial, ends.far.serial) == (1, 2)

    play(scene)
