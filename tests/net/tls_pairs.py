"""Both sides of TLS, shaken hands: as engines without I/O, and as streams."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from tests.net.identities import both_sides
from trio_lb.model.address import Address
from trio_lb.net.certificates import ClientTls, ServerTls
from trio_lb.net.env import Stream
from trio_lb.net.memory import DEFAULT_CAPACITY, memory_stream_pair
from trio_lb.net.tls import TlsStream
from trio_lb.net.tls_engine import TlsEngine

CLIENT, SERVER = Address("192.0.2.1", 50000), Address("192.0.2.2", 443)


@cache
def house_tls() -> tuple[ServerTls, ClientTls]:
    """A server called ``a.test`` and a client that trusts it; made once for all tests."""
    with TemporaryDirectory() as folder:
        return both_sides(Path(folder))


def carry(one: TlsEngine, other: TlsEngine) -> None:
    """What either has to say reaches the other."""
    other.feed(one.ciphertext())
    one.feed(other.ciphertext())


def shaken_engines() -> tuple[TlsEngine, TlsEngine]:
    """A client's engine and a server's, with the session tickets on their way read."""
    server_tls, client_tls = house_tls()
    client, server = client_tls.engine("a.test"), server_tls.engine()
    waiting = [client, server]
    while waiting:
        waiting = [engine for engine in waiting if not engine.shake()]
        carry(client, server)
    assert client.take(1) is None
    return client, server


async def tls_over(
    near: Stream,
    far: Stream,
    tls: tuple[ServerTls, ClientTls] | None = None,
    *,
    name: str = "a.test",
) -> tuple[TlsStream, TlsStream]:
    """The client's stream over ``near`` and the server's over ``far``."""
    server_tls, client_tls = tls or house_tls()
    made: list[TlsStream] = []

    async def accept() -> None:
        made.append(await TlsStream.accept(far, server_tls))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        client = await TlsStream.connect(near, client_tls, name)
        while not made:
            # The server waits until its session tickets have found room.
            assert not client.is_stale()
            await trio.lowlevel.checkpoint()
    return client, made[0]


async def tls_pair(capacity: int = DEFAULT_CAPACITY) -> tuple[TlsStream, TlsStream]:
    """A client's stream and a server's, in memory."""
    return await tls_over(*memory_stream_pair(CLIENT, SERVER, capacity=capacity))
