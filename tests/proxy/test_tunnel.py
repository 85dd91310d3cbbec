"""A tunnel by itself: what it says of its end decides whether both sides are cut."""

from collections.abc import AsyncGenerator, Callable

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.proxy.stage import GET, context_of, exchange_of
from tests.support.stage import VirtualStage, open_pair
from trio_lb.config.schema import TimeoutsConfig
from trio_lb.net.connection_pool import UpstreamConnection
from trio_lb.net.env import Stream
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.tunnel import HALF_CLOSED_SECONDS, tunnel
from trio_lb.sim.env import SimEnv

TIMES = TimeoutsConfig(tunnel_idle=100.0, write_stall=5.0)


@attrs.frozen
class Scene:
    """Both far ends, and what joins them."""

    client: Stream
    server: Stream
    exchange: Exchange
    connection: UpstreamConnection

    async def run(self, *acts: Callable[[], object]) -> bool:
        """Run the tunnel while each act happens, one second after the other."""
        complete = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_act, acts)
            complete.append(await tunnel(self.exchange, self.connection))
        return complete[0]


async def _act(acts: tuple[Callable[[], object], ...]) -> None:
    for act in acts:
        await trio.sleep(1.0)
        act()


@pytest.fixture
async def scene(env: SimEnv) -> AsyncGenerator[Scene, None]:
    """A tunnel without latency; what is not closed by a test is closed here."""
    net = env.network._net  # type: ignore[attr-defined] # The one that the fixture made.
    net.link("client", "server").set_latency(0.0)
    client, ours = await open_pair(VirtualStage(net))
    theirs, server = await open_pair(VirtualStage(net))
    context = context_of(env, timeouts=TIMES)
    home = context.connections.of("s1", theirs.peer)
    connection = UpstreamConnection(theirs, home, 1024)
    yield Scene(client, server, exchange_of(context, GET, stream=ours), connection)
    for stream in (client, ours, theirs, server):
        stream.close()


async def test_two_orderly_ends_make_a_complete_tunnel(scene: Scene) -> None:
    assert await scene.run(scene.client.close, scene.server.close)
    assert (trio.current_time(), scene.exchange.cut) == (2.0, False)


@pytest.mark.parametrize("side", ["client", "server"])
async def test_a_reset_of_either_side_ends_it_at_once(scene: Scene, side: str) -> None:
    assert not await scene.run(getattr(scene, side).abort)
    assert (trio.current_time(), scene.exchange.cut) == (1.0, True)


async def test_silence_ends_it(scene: Scene) -> None:
    assert not await scene.run(lambda: scene.client.send_nowait(b"x"))
    assert (trio.current_time(), scene.exchange.cut) == (101.0, True)


async def test_after_the_client_s_end_silence_cuts_the_client_alone_and_sooner(
    scene: Scene,
) -> None:
    assert await scene.run(scene.client.close)  # The server was told: an end, not a cut.
    assert trio.current_time() == 1.0 + HALF_CLOSED_SECONDS
    assert scene.exchange.cut, "what it heard so far must not pass for all"


async def test_after_the_server_s_end_silence_cuts_the_server_alone_and_sooner(
    scene: Scene,
) -> None:
    assert not await scene.run(scene.server.close)
    assert trio.current_time() == 1.0 + HALF_CLOSED_SECONDS
    assert not scene.exchange.cut, "what it was sent last may still be under way"


async def test_a_server_that_closed_and_is_sent_more_leaves_the_client_uncut(
    scene: Scene,
) -> None:
    talk = [lambda: scene.client.send_nowait(b"are you there?")] * 2
    assert not await scene.run(scene.server.close, *talk)
    assert (trio.current_time(), scene.exchange.cut) == (3.0, False)


async def test_a_side_that_takes_nothing_ends_it(scene: Scene) -> None:
    piece = b"x" * 65536
    assert not await scene.run(*[lambda: scene.client.send_nowait(piece)] * 2)
    assert trio.current_time() == 2.0 + 5.0


async def test_only_what_goes_down_is_counted(scene: Scene) -> None:
    scene.client.send_nowait(b"up and up")
    scene.server.send_nowait(b"down")
    await wait_all_tasks_blocked()
    await scene.run(scene.client.abort)
    assert scene.exchange.bytes_out == 4


async def test_what_was_read_before_goes_first(scene: Scene) -> None:
    scene.exchange.client.inbox.data = b"early "
    scene.client.send_nowait(b"late")
    scene.connection.inbox.data = b"hello"
    received = []

    async def both() -> None:
        received.append(await scene.server.receive_some(100))
        received.append(await scene.client.receive_some(100))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(both)
        await scene.run(scene.client.close, scene.server.close)
    assert b"early " in received[0]
    assert received[1] == b"hello"
