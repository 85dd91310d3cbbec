"""The real ``Env``: the one place that reads clocks, draws entropy and opens log files."""

import errno
import hashlib
import os
import random
import secrets
import select
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from typing import Final

import trio

from trio_lb.net.alarm import DeadlineAlarm
from trio_lb.net.env import Look, Sink
from trio_lb.net.real_lookout import RealLookout
from trio_lb.net.real_network import RealNetwork

_ENTROPY_PAGE_BYTES = 4096
"""A request id costs a slice instead of a system call."""

_PATIENCE_SECONDS: Final = 1.0

_STANDARD: Final = {"-": 2, "/dev/stdout": 1, "/dev/stderr": 2}


class FileSink:
    """A log file (appended to), or standard error for the path ``-``.

    ``/dev/stdout`` and ``/dev/stderr`` are the process's own streams: opened by path
    they would fail where they are sockets, as under a supervisor.

    Writes happen in a worker thread, one at a time: a full disk, a closed pipe or a
    stopped reader holds up this log and nothing else, and nothing else holds up the log,
    since it shares no thread with anybody.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._turn = trio.CapacityLimiter(1)
        self._fd = self._open()

    def _open(self) -> int:
        if self._path in _STANDARD:
            return os.dup(_STANDARD[self._path])
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    async def write(self, data: bytes) -> None:
        """See ``Sink``. Cancelled while the thread is stuck, it leaves the thread behind."""
        await trio.to_thread.run_sync(
            self._write_all, data, abandon_on_cancel=True, limiter=self._turn
        )

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def write_now(self, data: bytes) -> None:
        """See ``Sink``. A reader that takes nothing gets nothing."""
        taking = select.poll()
        taking.register(self._fd, select.POLLOUT)
        if not taking.poll(_PATIENCE_SECONDS * 1000):
            raise OSError(errno.EAGAIN, "its reader takes nothing")
        self._write_all(data)

    async def reopen(self) -> None:
        """Open the path anew; the old file stays in use when that fails."""
        if self._path not in _STANDARD:
            old, self._fd = self._fd, self._open()
            os.close(old)
            # A thread that is stuck with the old file must not hold up the new one.
            self._turn = trio.CapacityLimiter(1)
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Close the file; idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        await trio.lowlevel.checkpoint()


class RealEnv:
    """The outside world as it is.

    ``seed`` fixes every stream of chance; None draws one from the system. Tokens
    always come from the system's generator, because clients must not guess them.
    ``owns_process``: it may be ended when its loop is lost, because somebody starts it anew.
    """

    def __init__(self, seed: int | None = None, *, owns_process: bool = False) -> None:
        self._owns_process = owns_process
        self.network = RealNetwork()
        self._seed = secrets.randbits(64) if seed is None else seed
        self._rngs: dict[str, random.Random] = {}
        self._entropy = b""
        self._entropy_used = 0

    def now(self) -> float:
        """Monotonic seconds on trio's clock."""
        return trio.current_time()

    def alarm(self) -> DeadlineAlarm:
        """See ``Env``."""
        return DeadlineAlarm()

    def wall(self) -> float:
        """Seconds since the epoch, UTC."""
        return time.time()

    def rng(self, name: str) -> random.Random:
        """One generator a name, derived from (seed, name): streams never disturb each other."""
        if name not in self._rngs:
            digest = hashlib.blake2b(f"{self._seed}/{name}".encode()).digest()
            self._rngs[name] = random.Random(digest)
        return self._rngs[name]

    def token(self, size_bytes: int) -> str:
        """Unguessable lower-case hex, drawn from the system a page at a time."""
        end = self._entropy_used + size_bytes
        if end > len(self._entropy):
            self._entropy = os.urandom(max(_ENTROPY_PAGE_BYTES, size_bytes))
            end = size_bytes
        self._entropy_used = end
        return self._entropy[end - size_bytes : end].hex()

    @asynccontextmanager
    async def signals(self, names: Sequence[str]) -> AsyncGenerator[AsyncIterator[str], None]:
        """Receive process signals by name; only in the main thread."""
        wanted = [signal.Signals[name] for name in names]
        with trio.open_signal_receiver(*wanted) as received:
            async with aclosing(_names_of(received)) as names_received:
                yield names_received

    def open_sink(self, path: str) -> Sink:
        """Open a log file, or standard error."""
        return FileSink(path)

    def lookout(self, look: Look) -> AbstractContextManager[object]:
        """See ``Env``: a thread looks."""
        return RealLookout(look, owns_process=self._owns_process)

    def buggify(self, name: str) -> bool:
        """Never, in production."""
        return False


async def _names_of(received: AsyncIterator[int]) -> AsyncGenerator[str, None]:
    async for number in received:
        yield signal.Signals(number).name
