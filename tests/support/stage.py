"""A stage: the network on which a play happens, virtual or loopback, behind one face.

What a test says about sockets has to hold on both. The virtual stage waits by
letting virtual time pass; the loopback stage never sleeps: it looks again after
other tasks have had their turn.
"""

from collections.abc import Callable
from typing import Protocol

import trio

from trio_lb.model.address import Address
from trio_lb.net.env import Env, Listener, Stream
from trio_lb.net.real import RealEnv
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork

VIRTUAL = "virtual"
LOOPBACK = "loopback"

_MOST_LOOKS = 100_000
_FILLING = b"x" * (64 << 20)
"""More than any stream takes: whoever is full has not seen the end of what was to be sent."""


class Stage(Protocol):
    """Where hosts have names and each host has an ``Env``."""

    @property
    def kind(self) -> str:
        """``virtual`` or ``loopback``."""
        ...

    def env(self, host: str) -> Env:
        """The outside world as that host sees it."""
        ...

    def bind(self, host: str, port: int) -> Address:
        """What that host listens on; the loopback takes any free port instead of ``port``."""
        ...

    async def pause(self) -> None:
        """Let what is under way come a little further."""
        ...


class VirtualStage:
    """Each host its own address and ``SimEnv``, all of one seed."""

    kind = VIRTUAL

    def __init__(self, net: VirtualNetwork, seed: int = 0) -> None:
        self.net = net
        self._seed = seed
        self._envs: dict[str, SimEnv] = {}

    def env(self, host: str) -> SimEnv:
        """See ``Stage``."""
        if host not in self._envs:
            self._envs[host] = SimEnv(self.net.host(host), self._seed)
        return self._envs[host]

    def bind(self, host: str, port: int) -> Address:
        """See ``Stage``."""
        return Address(self.net.host(host).address, port)

    async def pause(self) -> None:
        """See ``Stage``: a tenth of a millisecond of virtual time."""
        await trio.sleep(0.0001)


class LoopbackStage:
    """All hosts are 127.0.0.1 and share one ``RealEnv``."""

    kind = LOOPBACK

    def __init__(self) -> None:
        self._env = RealEnv(seed=0)

    def env(self, host: str) -> RealEnv:
        """See ``Stage``."""
        return self._env

    def bind(self, host: str, port: int) -> Address:
        """See ``Stage``."""
        return Address("127.0.0.1", 0)

    async def pause(self) -> None:
        """See ``Stage``: one pass of the scheduler, and through the kernel."""
        await trio.lowlevel.checkpoint()


async def until(stage: Stage, condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds; fail when it does not come true."""
    for _ in range(_MOST_LOOKS):
        if condition():
            return
        await stage.pause()
    raise AssertionError("the condition did not come true")


async def open_pair(stage: Stage) -> tuple[Stream, Stream]:
    """Two ends of one connection: the client's and the server's. The caller closes them."""
    listener = await listen(stage)
    near, far = await connect(stage, listener)
    await listener.aclose()
    return near, far


async def listen(stage: Stage, *, backlog: int = 16) -> Listener:
    """A listener of the host ``server``."""
    network = stage.env("server").network
    return await network.listen(stage.bind("server", 0), backlog=backlog)


async def connect(stage: Stage, listener: Listener) -> tuple[Stream, Stream]:
    """A connection to ``listener``, accepted."""
    near = await stage.env("client").network.connect(listener.address)
    (far,) = await listener.accept_batch(1)
    return near, far


async def send_all(stream: Stream, data: bytes) -> None:
    """Send everything, however long it takes."""
    view = memoryview(data)
    while view:
        view = view[await stream.send_some(view) :]


def fill(stream: Stream) -> int:
    """Send until nothing more fits; return how many bytes that were."""
    sent, data = 0, memoryview(_FILLING)
    while fitted := stream.send_nowait(data[sent:]):
        sent += fitted
    return sent


async def receive_all(stream: Stream) -> bytes:
    """Everything up to the end of file."""
    parts = []
    while part := await stream.receive_some(65536):
        parts.append(part)
    return b"".join(parts)
