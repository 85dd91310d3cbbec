"""Lines: batches, and what a sink that hangs or fails may cost."""

import errno

import pytest
import trio

from trio_lb.observe.lines import BATCH_BYTES, LAST_WORDS_SECONDS, MOST_QUEUED_BYTES, open_lines
from trio_lb.sim.env import SimEnv

FULL = OSError(errno.ENOSPC, "No space left on device")


async def test_lines_wait_a_quarter_of_a_second_for_each_other(env: SimEnv) -> None:
    sink = env.open_sink("/log")
    async with open_lines(sink, "log", tell=print, delay_seconds=0.25) as lines:
        lines.put(b"one\n")
        await trio.sleep(0.2)
        lines.put(b"two\n")
        assert sink.data == b""
        await trio.sleep(0.051)
        assert sink.data == b"one\ntwo\n"


async def test_a_full_batch_waits_for_nobody(env: SimEnv) -> None:
    sink = env.open_sink("/log")
    async with open_lines(sink, "log", tell=print, delay_seconds=1000) as lines:
        lines.put(b"x" * BATCH_BYTES)
        await trio.sleep(0.001)
        assert len(sink.data) == BATCH_BYTES


async def test_the_end_writes_what_is_queued_and_closes_the_sink(env: SimEnv) -> None:
    sink = env.open_sink("/log")
    async with open_lines(sink, "log", tell=print, delay_seconds=1000) as lines:
        lines.put(b"last\n")
    assert (sink.data, sink.is_open, env.now()) == (b"last\n", False, 0.0)


async def test_a_cancelled_end_writes_it_too(env: SimEnv) -> None:
    sink = env.open_sink("/log")
    with trio.move_on_after(1):
        async with open_lines(sink, "log", tell=print, delay_seconds=1000) as lines:
            lines.put(b"last\n")
            await trio.sleep_forever()
    assert (sink.data, sink.is_open) == (b"last\n", False)


async def test_the_end_waits_one_second_for_a_sink_that_hangs(env: SimEnv) -> None:
    sink = env.open_sink("/log")
    sink.hang()
    told: list[str] = []
    async with open_lines(sink, "log", tell=told.append) as lines:
        for _ in range(3):
            lines.put(b"last\n")
            await trio.lowlevel.checkpoint()
    assert (env.now(), sink.data) == (LAST_WORDS_SECONDS, b"")
    assert told == [
        "log: cannot be written (it takes nothing); its lines are lost until it can",
        "log: 3 lines were lost at the end",
    ]


async def test_a_line_put_while_another_is_written_is_not_forgotten_at_the_end(
    env: SimEnv,
) -> None:
    sink = env.open_sink("/log")
    sink.hang()
    async with open_lines(sink, "log", tell=print) as lines:
        lines.put(b"first\n")
        await trio.sleep(1)
        lines.put(b"second\n")
        sink.heal()
    assert sink.data == b"first\nsecond\n"


async def test_an_exception_of_the_block_comes_out_as_it_is(env: SimEnv) -> None:
    with pytest.raises(KeyError):
        async with open_lines(env.open_sink("/log"), "log", tell=print):
            raise KeyError("mine")


async def test_a_full_disk_is_told_once_and_its_end_with_the_count(env: SimEnv) -> None:
    told: list[str] = []
    sink = env.open_sink("/log")
    async with open_lines(sink, "log", tell=told.append) as lines:
        sink.fail(FULL)
        for _ in range(3):
            lines.put(b"lost\n")
            await trio.sleep(1)
        assert lines.lost == 3
        sink.heal()
        lines.put(b"kept\n")
    assert told == [
        "log: cannot be written (No space left on device); its lines are lost until it can",
        "log: written again; 3 lines were lost",
    ]
    assert sink.data == b"kept\n"


async def test_a_closed_pipe_is_called_by_its_cause(env: SimEnv) -> None:
    told: list[str] = []
    sink = env.open_sink("-")
    async with open_lines(sink, "standard error", tell=told.append) as lines:
        sink.fail(BrokenPipeError(errno.EPIPE, "Broken pipe"))
        lines.put(b"lost\n")
    assert told == [
        "standard error: cannot be written (its reader has left); its lines are lost until it can",
        "standard error: 1 line was lost at the end",
    ]


async def test_a_sink_that_hangs_costs_a_bounded_queue_and_then_lines(env: SimEnv) -> None:
    told: list[str] = []
    sink = env.open_sink("/log")
    async with open_lines(sink, "log", tell=told.append) as lines:
        sink.hang()
        lines.put(b"in flight\n")
        await trio.sleep(1)
        size = 1024
        for _ in range(MOST_QUEUED_BYTES // size + 5):
            lines.put(b"x" * (size - 1) + b"\n")
        assert lines.lost == 5
        assert told == [
            "log: cannot be written (it takes nothing); its lines are lost until it can"
        ]
        sink.heal()
        await trio.sleep(1)
        assert told[1:] == ["log: written again; 5 lines were lost"]
    assert len(sink.data) == len(b"in flight\n") + MOST_QUEUED_BYTES


async def test_reopening_leaves_what_was_queued_in_the_old_file(env: SimEnv) -> None:
    sink = env.open_sink("/log")
    async with open_lines(sink, "log", tell=print, delay_seconds=1000) as lines:
        lines.put(b"old\n")
        lines.reopen_soon()
        await trio.sleep(0.001)
        lines.put(b"new\n")
    assert (sink.rotated, sink.data) == ([b"old\n"], b"new\n")


async def test_a_path_that_cannot_be_opened_anew_keeps_the_old_file(env: SimEnv) -> None:
    class Vanished:
        """A sink whose folder has gone."""

        data = b""

        async def write(self, data: bytes) -> None:
            self.data += data

        def write_now(self, data: bytes) -> None:
            self.data += data

        async def reopen(self) -> None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")

        async def aclose(self) -> None:
            self.closed = True

    told: list[str] = []
    sink = Vanished()
    async with open_lines(sink, "log", tell=told.append) as lines:
        lines.reopen_soon()
        await trio.sleep(0.001)
        lines.put(b"still\n")
    assert told == ["log: cannot be opened anew (No such file or directory); the old file is kept"]
    assert (sink.data, sink.closed) == (b"still\n", True)
