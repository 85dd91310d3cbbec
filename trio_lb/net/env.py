"""The five seams as protocols: time, network, chance, identity, signals.

``RealEnv`` (``net.real``) and the simulator's ``SimEnv`` (``sim.env``) are the only
two implementations. Code above ``net`` gets an ``Env`` handed in and never imports
``socket``, ``time`` or ``random``.

Two rules of every stream keep the hot path cheap and the scheduler fair:

* ``receive_some`` always passes a checkpoint, so every loop that reads yields.
* ``send_nowait`` never does; ``send_some`` waits until there is room. A writer
  tries the first and falls back to the second (``net.relay.send_all``).
"""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from trio_lb.model.address import Address


class Stream(Protocol):
    """A connected byte stream: TCP, a unix socket, TLS over one, or a virtual one.

    Errors: ``trio.BrokenResourceError`` when the peer reset it or it broke,
    ``trio.ClosedResourceError`` after our own close. One task may send while
    another receives, never two of one kind at once. Closing it is the owner's
    duty: ``async with stream`` or ``aclose``/``abort`` in the owner's exit.
    """

    @property
    def peer(self) -> Address:
        """The other end's address."""
        ...

    @property
    def local(self) -> Address:
        """Our end's address."""
        ...

    async def receive_some(self, max_bytes: int) -> bytes:
        """Wait for bytes and return 1..``max_bytes`` of them, or b"" at end of file.

        Cancelled means that nothing was taken from the stream.
        """
        ...

    def receive_nowait(self, max_bytes: int) -> bytes | None:
        """Take what has arrived, as ``receive_some`` does, or None if nothing has.

        For a layer that has to look at an idle stream, where nobody else receives: it is
        no checkpoint, so a loop around it starves everybody.
        """
        ...

    def send_nowait(self, data: bytes | bytearray | memoryview) -> int:
        """Hand over as much as fits at once and return how many bytes; 0 when full."""
        ...

    async def send_some(self, data: bytes | bytearray | memoryview) -> int:
        """Wait for room, hand over at least one byte of non-empty ``data``, return how many."""
        ...

    async def send_eof(self) -> None:
        """Say that we send no more (FIN); receiving goes on. Plain streams only."""
        ...

    def is_stale(self) -> bool:
        """Whether an idle stream can't be used again: it ended, broke, or holds stray bytes."""
        ...

    async def aclose(self) -> None:
        """Close it in an orderly way; idempotent."""
        ...

    def close(self) -> None:
        """Close it in an orderly way (FIN) without waiting for anything; idempotent."""
        ...

    def abort(self) -> None:
        """Close it at once with a reset (RST), so that the peer sees a cut; idempotent."""
        ...

    async def __aenter__(self) -> Self:
        """Own the stream for a block."""
        ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the stream: ``aclose``."""
        ...


class Listener(Protocol):
    """A bound, listening endpoint."""

    @property
    def address(self) -> Address:
        """Where it listens, with the real port."""
        ...

    async def accept_batch(self, limit: int) -> Sequence[Stream]:
        """Wait until somebody connects and take all that wait, at most ``limit``.

        One accept for each pass of the scheduler starves new connections under
        load; a batch does not.

        Raises:
          AcceptError: nothing was accepted, and who waits keeps waiting in the kernel;
            ``OutOfDescriptors`` when no descriptor is left. The listener lives on.
        """
        ...

    async def aclose(self) -> None:
        """Stop listening; idempotent. Connections that were accepted live on."""
        ...


class AcceptError(OSError):
    """Accepting failed, and not because of one connection: try again after a pause."""


class OutOfDescriptors(AcceptError):
    """The process (EMFILE) or the machine (ENFILE) has no file descriptor left."""


class ConnectError(OSError):
    """A connection could not be made; ``refused`` tells a closed port from other causes.

    ``ours`` says that this process could not even try, for want of descriptors or of
    memory: no server is to blame.
    """

    def __init__(self, message: str, *, refused: bool = False, ours: bool = False) -> None:
        super().__init__(message)
        self.refused = refused
        self.ours = ours


class Network(Protocol):
    """How connections are made and taken."""

    async def connect(self, address: Address) -> Stream:
        """Open a connection; a name is resolved first. No timeout of its own: cancel it.

        Raises:
          ConnectError: refused, unreachable, or the name is unknown.
        """
        ...

    async def listen(self, address: Address, *, backlog: int = 1024) -> Listener:
        """Bind and listen.

        Raises:
          OSError: the address is in use or not ours.
        """
        ...

    async def resolve(self, name: str) -> Sequence[str]:
        """Return the literal addresses of ``name``, preferred first.

        Raises:
          OSError: nobody knows the name.
        """
        ...


class Sink(Protocol):
    """Where log lines go: a file, or standard error."""

    async def write(self, data: bytes) -> None:
        """Write all of ``data`` without blocking other tasks.

        Raises:
          OSError: it can't be written now (disk full, pipe closed).
        """
        ...

    def write_now(self, data: bytes) -> None:
        """Write from outside of the loop, which may be what stands still; give up after 1 s.

        Raises:
          OSError: as for ``write``.
        """
        ...

    async def reopen(self) -> None:
        """Open the path anew (after a rotation); a no-op for standard streams."""
        ...

    async def aclose(self) -> None:
        """Close it; idempotent."""
        ...


class Alarm(Protocol):
    """Wakes one task at an instant that may move while it sleeps: a timer that costs little."""

    async def wait(self, next_at: Callable[[], float]) -> None:
        """Sleep until ``next_at()`` (infinite: for ever). It may return early: look again.

        Always a checkpoint; nobody is woken when the instant moves to a later one.
        """
        ...

    def tell(self) -> None:
        """Say that ``next_at()`` may have moved; harmless while nobody sleeps."""
        ...


class Outside(Protocol):
    """What somebody outside of the loop can do while it stands still."""

    def stack(self) -> str:
        """Return where the loop is: the calls, innermost last, a line or two for each."""
        ...

    def end_process(self, code: int) -> None:
        """End the process at once, if it is ours to end; what is buffered is lost."""
        ...


Look: TypeAlias = Callable[[float, Outside], float]
"""Looks at the loop from outside, at that instant; returns when it wants to look next."""


class Env(Protocol):
    """The outside world, handed in."""

    @property
    def network(self) -> Network:
        """Connections out and in."""
        ...

    def now(self) -> float:
        """Monotonic seconds: ``trio.current_time()``."""
        ...

    def alarm(self) -> Alarm:
        """Return a new alarm."""
        ...

    def wall(self) -> float:
        """Wall time as seconds since 1970-01-01 UTC; for Date headers and logs only."""
        ...

    def rng(self, name: str) -> random.Random:
        """Return the stream of chance called ``name``, made from (seed, name) at first use."""
        ...

    def token(self, size_bytes: int) -> str:
        """Return ``size_bytes`` unguessable bytes as lower-case hex."""
        ...

    def signals(self, names: Sequence[str]) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Receive the process signals of these names (``"SIGTERM"``) as they come."""
        ...

    def open_sink(self, path: str) -> Sink:
        """Open a log sink: a path, or ``-`` for standard error."""
        ...

    def lookout(self, look: Look) -> AbstractContextManager[object] | None:
        """Let somebody outside of the loop ``look`` for as long as the block runs.

        None where no loop can stand still: in virtual time, unless a test wants it.
        """
        ...

    def buggify(self, name: str) -> bool:
        """Whether to do something legal but rare here; always false in production."""
        ...
