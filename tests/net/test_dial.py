"""Dialling: plain where nothing is asked for, a PROXY header before everything else."""

import pytest
import trio

from tests.support.raw import RawPeer
from tests.support.world import World
from trio_lb.config.schema import UpstreamTls
from trio_lb.model.address import Address
from trio_lb.net.dial import Destination, Dialer
from trio_lb.net.env import ConnectError, Stream
from trio_lb.net.memory import memory_stream_pair

CLIENT = (Address("192.0.2.7", 7000), Address("192.0.2.1", 80))


async def wait_for_the_end(peer: RawPeer) -> None:
    """A server that only listens."""
    await peer.expect_rest()


async def test_a_plain_server_is_simply_connected_to(world: World) -> None:
    server = await world.server("s1", wait_for_the_end)
    stream = await Dialer(world.env.network).dial(Destination(address=server.address))
    await stream.aclose()


@pytest.mark.parametrize(
    ("client", "begin"),
    [(CLIENT, b"PROXY TCP4 192.0.2.7 192.0.2.1 7000 80\r\n"), (None, b"PROXY TCP4 ")],
)
async def test_a_header_names_the_client_or_ourselves(
    world: World, client: tuple[Address, Address] | None, begin: bytes
) -> None:
    server = await world.server("s1", wait_for_the_end)
    destination = Destination(address=server.address, proxy_protocol="v1")
    stream = await Dialer(world.env.network).dial(destination, client)
    await stream.aclose()
    await trio.sleep(1.0)
    assert bytes(server.peers[0].received).startswith(begin)


async def test_a_server_that_does_not_speak_tls_is_not_reached(world: World) -> None:
    async def answer_nonsense(peer: RawPeer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.close()

    server = await world.server("s1", answer_nonsense)
    destination = Destination(address=server.address, tls=UpstreamTls(verify=False))
    with pytest.raises(ConnectError, match="TLS"):
        await Dialer(world.env.network).dial(destination)


async def test_an_application_is_entered_instead_of_dialled(world: World) -> None:
    near, far = memory_stream_pair(Address("us", 0), Address("app:a", 0))

    async def enter(app: object) -> Stream:
        await trio.lowlevel.checkpoint()
        assert app == "the application"
        return near

    destination = Destination(address=Address("app:a", 0), app="the application")
    assert await Dialer(world.env.network, enter).dial(destination) is near
    with pytest.raises(ConnectError, match="nothing here runs applications"):
        await Dialer(world.env.network).dial(destination)
    near.close()
    far.close()
