"""The sink in memory and its faults."""

import errno

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_lb.sim.sink import VirtualSink


async def test_keeps_what_was_written() -> None:
    sink = VirtualSink("/log")
    await sink.write(b"one\n")
    await sink.write(b"two\n")
    assert sink.data == b"one\ntwo\n"


async def test_a_rotation_leaves_the_old_file_behind() -> None:
    sink = VirtualSink("/log")
    await sink.write(b"old")
    await sink.reopen()
    await sink.write(b"new")
    assert (sink.rotated, sink.data) == ([b"old"], b"new")


async def test_standard_error_is_never_rotated() -> None:
    sink = VirtualSink("-")
    await sink.write(b"old")
    await sink.reopen()
    assert (sink.rotated, sink.data) == ([], b"old")


async def test_a_full_disk_fails_each_write_until_it_is_healed() -> None:
    sink = VirtualSink("/log")
    sink.fail(OSError(errno.ENOSPC, "no space left on device"))
    for _ in range(2):
        with pytest.raises(OSError, match="no space left"):
            await sink.write(b"lost")
    sink.heal()
    await sink.write(b"kept")
    assert sink.data == b"kept"


async def test_a_write_that_hangs_goes_on_when_it_is_healed(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    sink = VirtualSink("/log")
    sink.hang()
    nursery.start_soon(sink.write, b"late")
    with trio.move_on_after(60):
        await sink.write(b"cancelled")
    assert sink.data == b""
    sink.heal()
    await wait_all_tasks_blocked()
    assert sink.data == b"late"


async def test_a_closed_sink_takes_nothing_more_and_can_be_read() -> None:
    sink = VirtualSink("/log")
    await sink.write(b"kept")
    await sink.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await sink.write(b"lost")
    assert sink.data == b"kept"


def test_a_line_from_outside_of_the_loop_is_there_at_once_or_lost() -> None:
    sink = VirtualSink("-")
    sink.write_now(b"one\n")
    sink.fail(OSError(errno.ENOSPC, "no space left on device"))
    with pytest.raises(OSError, match="no space left"):
        sink.write_now(b"lost\n")
    assert sink.data == b"one\n"
