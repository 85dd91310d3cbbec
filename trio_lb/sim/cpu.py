"""What work costs: the one core of a program that lives in an event loop.

    arrives 1.000  --waits for the core--  1.400  --is worked on--  1.425  --> the program has it

Virtual time passes only while somebody waits, so a program computes for nothing unless somebody
says what it costs. Here whatever a program receives or accepts is handed over when the core has
done the work for it, one piece after the other: at too much load a queue grows before the core,
as it does before a real one. What it sends costs, too, and delays what comes next.

A host's network is wrapped for it (``CpuNetwork``); a host that is not pays nothing.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import attrs
import trio

from trio_lb.model.address import Address
from trio_lb.sim.host import HostNetwork
from trio_lb.sim.listener import VirtualListener
from trio_lb.sim.seat import Seat
from trio_lb.sim.stream import VirtualStream

_KIB: Final = 1024
_MICROSECOND: Final = 1e-6


@attrs.frozen(slots=True)
class CpuCost:
    """Microseconds of the core for each thing that a program does with a network.

    The defaults are this proxy's own on the machine of docs/benchmarks.md: 75 µs for a small
    request on kept connections (two receives, two sends), 53 µs more with a connection of its
    own. 64 KiB pieces of a body come to 600 µs a MiB, a third more than measured.
    """

    connection_us: float = 53.0
    receive_us: float = 25.0
    send_us: float = 12.5
    kib_us: float = 0.0


class Cpu:
    """One core: work is booked on it in the order in which it comes.

    ``factor`` multiplies all costs (a fault's switch). ``busy_seconds`` is all work so far.
    """

    def __init__(self, cost: CpuCost) -> None:
        self.cost = cost
        self.factor = 1.0
        self.busy_seconds = 0.0
        self._free_at = 0.0

    def is_busy(self, now: float) -> bool:
        """Whether there is work that is not done."""
        return self._free_at > now

    def book(self, now: float, microseconds: float) -> float:
        """Book work behind all that was booked, and return when it is done."""
        seconds = microseconds * self.factor * _MICROSECOND
        self.busy_seconds += seconds
        self._free_at = max(now, self._free_at) + seconds
        return self._free_at

    def book_bytes(self, now: float, microseconds: float, size_bytes: int) -> float:
        """The same for a call that moved so many bytes."""
        return self.book(now, microseconds + self.cost.kib_us * size_bytes / _KIB)


class CpuStream:
    """Satisfies ``net.env.Stream``: hands over what arrived when the core has done its work.

    Rule: what was taken from the wire and not handed over (its receiver was cancelled) waits
    here for the next one. So at most one receive is taken earlier than a kernel would.
    """

    def __init__(self, inner: VirtualStream, host: HostNetwork, cpu: Cpu) -> None:
        self.inner = inner
        self._host = host
        self._cpu = cpu
        self._receiving = Seat("receiving from this stream")
        self._held: bytes | None = None
        self._ready_at = 0.0

    @property
    def peer(self) -> Address:
        """See ``Stream``."""
        return self.inner.peer

    @property
    def local(self) -> Address:
        """See ``Stream``."""
        return self.inner.local

    @property
    def serial(self) -> int:
        """The number of this end in its network."""
        return self.inner.serial

    async def receive_some(self, max_bytes: int) -> bytes:
        """See ``Stream``."""
        with self._receiving:
            if self._held is None:
                data = await self.inner.receive_some(max_bytes)
                self._ready_at = self._book(self._cpu.cost.receive_us, len(data))
                self._held = data
            await trio.sleep_until(self._ready_at)
            while self._host.is_paused:
                await self._host.wait_running()
            return self._hand_over(max_bytes)

    def _hand_over(self, max_bytes: int) -> bytes:
        held = self._held or b""
        self._held = held[max_bytes:] or None
        return held[:max_bytes]

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """See ``Stream``; nothing can be had of a core that is at work, or stands still."""
        if self._cpu.is_busy(trio.current_time()) or self._host.is_paused:
            return None
        if self._held is not None:
            return self._hand_over(max_bytes)
        data = self.inner.receive_nowait(max_bytes)
        if data is not None:
            self._book(self._cpu.cost.receive_us, len(data))
        return data

    def _book(self, microseconds: float, size_bytes: int) -> float:
        return self._cpu.book_bytes(trio.current_time(), microseconds, size_bytes)

    def is_stale(self) -> bool:
        """See ``Stream``."""
        return self._held is not None or self.inner.is_stale()

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``."""
        size_bytes = self.inner.send_nowait(data)
        if size_bytes:
            self._book(self._cpu.cost.send_us, size_bytes)
        return size_bytes

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """See ``Stream``."""
        size_bytes = await self.inner.send_some(data)
        self._book(self._cpu.cost.send_us, size_bytes)
        return size_bytes

    async def send_eof(self) -> None:
        """See ``Stream``."""
        await self.inner.send_eof()

    async def aclose(self) -> None:
        """See ``Stream``."""
        await self.inner.aclose()

    def close(self) -> None:
        """See ``Stream``."""
        self.inner.close()

    def abort(self) -> None:
        """See ``Stream``."""
        self.inner.abort()

    async def __aenter__(self) -> Self:
        """Own the stream for a block."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the stream, without a checkpoint."""
        self.close()

    def __repr__(self) -> str:
        return f"<CpuStream of {self.inner!r}>"


class CpuListener:
    """Satisfies ``net.env.Listener``: each connection costs the core, then it is handed over."""

    def __init__(self, inner: VirtualListener, host: HostNetwork, cpu: Cpu) -> None:
        self.inner = inner
        self._host = host
        self._cpu = cpu
        self._held: list[CpuStream] = []
        self._ready_at = 0.0

    @property
    def address(self) -> Address:
        """See ``Listener``."""
        return self.inner.address

    async def accept_batch(self, limit: int) -> Sequence[CpuStream]:
        """See ``Listener``. Who was accepted when the accepting was cancelled comes first next."""
        if not self._held:
            batch = await self.inner.accept_batch(limit)
            cost = self._cpu.cost.connection_us * len(batch)
            self._ready_at = self._cpu.book(trio.current_time(), cost)
            self._held = [CpuStream(stream, self._host, self._cpu) for stream in batch]
        await trio.sleep_until(self._ready_at)
        while self._host.is_paused:
            await self._host.wait_running()
        held, self._held = self._held[:limit], self._held[limit:]
        return held

    async def aclose(self) -> None:
        """See ``Listener``; who was not handed over is reset."""
        for stream in self._held:
            stream.abort()
        self._held = []
        await self.inner.aclose()

    def __repr__(self) -> str:
        return f"<CpuListener of {self.inner!r}>"


class CpuNetwork:
    """Satisfies ``net.env.Network``: the network of a host whose program costs time.

    The host knows its core as ``host.cpu`` from then on.
    """

    def __init__(self, host: HostNetwork, cost: CpuCost | None = None) -> None:
        self.host = host
        self.cpu = host.cpu = Cpu(cost or CpuCost())

    async def connect(self, address: Address) -> CpuStream:
        """See ``Network``."""
        stream = await self.host.connect(address)
        self.cpu.book(trio.current_time(), self.cpu.cost.connection_us)
        return CpuStream(stream, self.host, self.cpu)

    async def listen(self, address: Address, *, backlog: int = 1024) -> CpuListener:
        """See ``Network``."""
        listener = await self.host.listen(address, backlog=backlog)
        return CpuListener(listener, self.host, self.cpu)

    async def resolve(self, name: str) -> Sequence[str]:
        """See ``Network``."""
        return await self.host.resolve(name)
