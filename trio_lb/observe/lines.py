"""Lines on their way to a sink: queued, written in batches, and never waited for.

Who has something to say calls `put` and goes on. One task writes; a sink that hangs
(a stopped reader) or fails (a full disk) costs lines, never time: the queue is
bounded, what does not fit is counted, and both changes are told once each, the
trouble and its end: that it is over, or that the program is.
"""

import errno
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio

from trio_lb.net.env import Sink

MOST_QUEUED_BYTES: Final = 1024 * 1024
"""What waits beside the batch that is being written; a line beyond it is lost."""
BATCH_BYTES: Final = 64 * 1024
"""Once so much waits, it is written without further delay."""
LAST_WORDS_SECONDS: Final = 1.0
"""How long the end waits for a sink that hangs."""

Tell = Callable[[str], None]
"""Takes a sentence about the sink: that it is in trouble, or out of it again."""


class Lines:
    """The queue before one sink; made by ``open_lines``. ``lost`` counts since the start."""

    def __init__(self, sink: Sink, name: str, tell: Tell, delay_seconds: float) -> None:
        self.name = name
        self.lost = 0
        self._sink = sink
        self._tell = tell
        self._delay_seconds = delay_seconds
        self._queue: list[bytes] = []
        self._queued_bytes = 0
        self._news = trio.Event()
        self._hurry = trio.Event()
        self._reopen = False
        self._ending = False
        # What `lost` was when the trouble began; None while all is well.
        self._lost_before: int | None = None

    def put(self, line: bytes) -> None:
        """Queue one line (or a block of them), with its line end; never waits."""
        if self._queued_bytes + len(line) > MOST_QUEUED_BYTES:
            self._lose(1, "it takes nothing")
            return
        self._queue.append(line)
        self._queued_bytes += len(line)
        self._news.set()
        if self._queued_bytes >= BATCH_BYTES:
            self._hurry.set()

    def reopen_soon(self) -> None:
        """Open the sink's path anew, after the lines that are queued now."""
        self._reopen = True
        self._news.set()
        self._hurry.set()

    async def _run(self) -> None:
        while not self._ending:
            await self._news.wait()
            with trio.move_on_after(self._delay_seconds):
                await self._hurry.wait()
            await self._write_queue()
            if self._reopen:
                await self._reopen_sink()
        await self._write_queue()

    async def _write_queue(self) -> None:
        batch, self._queue, self._queued_bytes = self._queue, [], 0
        self._news, self._hurry = trio.Event(), trio.Event()
        if not batch:
            return
        try:
            await self._sink.write(b"".join(batch))
        except OSError as error:
            self._lose(len(batch), _why(error))
        except trio.Cancelled:
            self._lose(len(batch), "it takes nothing")
            raise
        else:
            self._relieved()

    async def _reopen_sink(self) -> None:
        self._reopen = False
        try:
            await self._sink.reopen()
        except OSError as error:
            self._tell(f"{self.name}: cannot be opened anew ({_why(error)}); the old file is kept")

    def _lose(self, count: int, why: str) -> None:
        if self._lost_before is None:
            self._lost_before = self.lost
            self._tell(f"{self.name}: cannot be written ({why}); its lines are lost until it can")
        self.lost += count

    def _relieved(self) -> None:
        if self._lost_before is not None:
            lost, self._lost_before = self.lost - self._lost_before, None
            self._tell(f"{self.name}: written again; {_lines(lost)} lost")

    def _account(self) -> None:
        """Count what will never be written, and tell of a trouble that had no end."""
        if self._queue:
            self._lose(len(self._queue), "it takes nothing")
        if self._lost_before is not None:
            self._tell(f"{self.name}: {_lines(self.lost - self._lost_before)} lost at the end")

    def _end(self) -> None:
        self._ending = True
        self._news.set()
        self._hurry.set()


@asynccontextmanager
async def open_lines(
    sink: Sink, name: str, *, tell: Tell, delay_seconds: float = 0.0
) -> AsyncGenerator[Lines, None]:
    """Write to ``sink`` for as long as the block runs; owns and closes it.

    ``delay_seconds`` is how long a line may wait for others to be written with. The
    exit, a cancelled one too, gives what is queued LAST_WORDS_SECONDS. An exception of
    the block leaves it unchanged, not in a group.
    """
    lines = Lines(sink, name, tell, delay_seconds)
    caught: BaseException | None = None
    # Shielded, so that the last lines survive the cancellation that they speak of;
    # the deadline comes with the end of the block.
    shield = trio.CancelScope(shield=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_write_until_the_end, lines, shield, name=f"writer of {name}")
        try:
            yield lines
        except trio.Cancelled:
            raise  # It belongs to a scope further out.
        except BaseException as error:
            caught = error
        finally:
            lines._end()
            shield.deadline = trio.current_time() + LAST_WORDS_SECONDS
    if caught is not None:
        raise caught


async def _write_until_the_end(lines: Lines, shield: trio.CancelScope) -> None:
    with shield:
        await lines._run()
    lines._account()
    with trio.CancelScope(shield=True, deadline=trio.current_time() + LAST_WORDS_SECONDS):
        await lines._sink.aclose()


def _lines(count: int) -> str:
    return "1 line was" if count == 1 else f"{count} lines were"


def _why(error: OSError) -> str:
    """The system's words without the path, which the name has already."""
    if error.errno == errno.EPIPE:
        return "its reader has left"
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))
