"""More stages for the contract of a stream: connections inside the process."""

import itertools
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast

import trio

from tests.support.stage import Stage
from trio_lb.model.address import Address
from trio_lb.net.certificates import ClientTls, ServerTls
from trio_lb.net.env import ConnectError, Env, Listener, Network, Stream
from trio_lb.net.memory import memory_stream_pair
from trio_lb.net.real import RealEnv
from trio_lb.net.real_network import RealNetwork
from trio_lb.net.tls import TlsStream


class MemoryListener:
    """Keeps the far ends of pairs until they are accepted."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.waiting: list[Stream] = []
        self.is_closed = False

    async def accept_batch(self, limit: int) -> Sequence[Stream]:
        """Everybody who waits has connected before."""
        await trio.lowlevel.checkpoint()
        assert self.waiting
        batch, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return batch

    async def aclose(self) -> None:
        self.is_closed = True
        await trio.lowlevel.checkpoint()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class MemoryNetwork:
    """Connects by making a pair; resolves as the machine does."""

    def __init__(self) -> None:
        self._ports = itertools.count(1024)
        self._listeners: dict[Address, MemoryListener] = {}

    async def connect(self, address: Address) -> Stream:
        await trio.lowlevel.checkpoint()
        listener = self._listeners.get(address)
        if listener is None or listener.is_closed:
            raise ConnectError(f"{address}: connection refused", refused=True)
        near, far = memory_stream_pair(Address(address.host, next(self._ports)), address)
        listener.waiting.append(far)
        return near

    async def listen(self, address: Address, *, backlog: int = 1024) -> MemoryListener:
        await trio.lowlevel.checkpoint()
        bound = Address(address.host, address.port or next(self._ports))
        self._listeners[bound] = MemoryListener(bound)
        return self._listeners[bound]

    async def resolve(self, name: str) -> Sequence[str]:
        return await RealEnv(seed=0).network.resolve(name)


def env_on(network: Network) -> Env:
    """The machine itself, but for its network."""
    env = RealEnv(seed=0)
    env.network = cast(RealNetwork, network)  # Nobody asks it for more than the protocol has.
    return env


class MemoryStage:
    """All hosts share one process: what was sent has arrived."""

    kind = "memory"

    def __init__(self) -> None:
        self._env = env_on(MemoryNetwork())

    def env(self, host: str) -> Env:
        return self._env

    def bind(self, host: str, port: int) -> Address:
        return Address(host, port)

    async def pause(self) -> None:
        await trio.lowlevel.checkpoint()


class TlsListener:
    """A listener of transports, with the streams whose handshakes are done."""

    def __init__(self, transports: Listener) -> None:
        self.transports = transports
        self.address = transports.address
        self.waiting: list[Stream] = []

    async def accept_batch(self, limit: int) -> Sequence[Stream]:
        """Who connected has shaken hands."""
        await trio.lowlevel.checkpoint()
        batch, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return batch

    async def aclose(self) -> None:
        await self.transports.aclose()


class TlsNetwork:
    """Connects by shaking hands on both sides of a connection of another network."""

    def __init__(self, transports: Network, server: ServerTls, client: ClientTls) -> None:
        self._transports = transports
        self._server = server
        self._client = client
        self._listeners: dict[Address, TlsListener] = {}

    async def connect(self, address: Address) -> Stream:
        listener = self._listeners[address]
        transport = await self._transports.connect(address)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._accept, listener)
            streams = [await TlsStream.connect(transport, self._client, "a.test")]
        return streams[0]

    async def _accept(self, listener: TlsListener) -> None:
        (transport,) = await listener.transports.accept_batch(1)
        listener.waiting.append(await TlsStream.accept(transport, self._server))

    async def listen(self, address: Address, *, backlog: int = 1024) -> TlsListener:
        listener = TlsListener(await self._transports.listen(address, backlog=backlog))
        self._listeners[listener.address] = listener
        return listener

    async def resolve(self, name: str) -> Sequence[str]:
        return await self._transports.resolve(name)


class TlsStage:
    """Another stage, on which everybody speaks TLS."""

    def __init__(self, below: Stage, server: ServerTls, client: ClientTls) -> None:
        self.kind = below.kind
        self._below = below
        # One for all hosts: it knows the listeners. A dial leaves from the client's host.
        self._network = TlsNetwork(_BothSides(below), server, client)

    def env(self, host: str) -> Env:
        return env_on(self._network)

    def bind(self, host: str, port: int) -> Address:
        return self._below.bind(host, port)

    async def pause(self) -> None:
        await self._below.pause()


class _BothSides:
    """The network of a stage as its client sees it, and its server's for listening."""

    def __init__(self, stage: Stage) -> None:
        self._client = stage.env("client").network
        self._server = stage.env("server").network

    async def connect(self, address: Address) -> Stream:
        return await self._client.connect(address)

    async def listen(self, address: Address, *, backlog: int = 1024) -> Listener:
        return await self._server.listen(address, backlog=backlog)

    async def resolve(self, name: str) -> Sequence[str]:
        return await self._client.resolve(name)
