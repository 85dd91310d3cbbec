"""More stages for the contract of a stream: connections inside the process."""

import itertools
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast

import trio

from trio_lb.model.address import Address
from trio_lb.net.env import ConnectError, Env, Network, Stream
from trio_lb.net.memory import memory_stream_pair
from trio_lb.net.real import RealEnv
from trio_lb.net.real_network import RealNetwork


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
