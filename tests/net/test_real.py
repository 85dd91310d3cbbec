"""The real outside world: clocks, entropy, log files and signals."""

import fcntl
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from trio_lb.net.env import Env
from trio_lb.net.real import RealEnv


def test_the_same_seed_and_name_give_the_same_chance() -> None:
    one, other = RealEnv(seed=7), RealEnv(seed=7)
    other.rng("something else").random()
    draws = [one.rng("pick").random() for _ in range(5)]
    assert [other.rng("pick").random() for _ in range(5)] == draws
    assert RealEnv(seed=8).rng("pick").random() != draws[0]
    assert one.rng("retry").random() not in draws


def test_without_a_seed_two_environments_differ() -> None:
    assert RealEnv().rng("pick").random() != RealEnv().rng("pick").random()


@pytest.mark.parametrize("size", [1, 4, 16, 5000])
def test_a_token_is_hex_of_its_size_and_never_comes_twice(size: int) -> None:
    env: Env = RealEnv(seed=1)
    count = 3000 if size == 16 else 2
    tokens = [env.token(size) for _ in range(count)]
    assert all(re.fullmatch(r"[0-9a-f]+", token) for token in tokens)
    assert {len(token) for token in tokens} == {2 * size}
    assert size < 16 or len(set(tokens)) == count


def test_a_token_does_not_follow_from_the_seed() -> None:
    assert RealEnv(seed=1).token(16) != RealEnv(seed=1).token(16)


async def test_now_is_trio_s_clock_and_wall_the_world_s() -> None:
    env = RealEnv()
    await trio.lowlevel.checkpoint()
    assert env.now() <= trio.current_time() <= env.now()
    assert abs(env.wall() - time.time()) < 60
    assert not env.buggify("anything")


async def test_a_log_file_is_appended_to_and_opened_anew_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"old\n")
    sink = RealEnv().open_sink(str(path))
    await sink.write(b"one\n")
    path.rename(tmp_path / "access.log.1")
    await sink.write(b"two\n")
    await sink.reopen()
    await sink.write(b"three\n")
    await sink.aclose()
    await sink.aclose()
    assert (tmp_path / "access.log.1").read_bytes() == b"old\none\ntwo\n"
    assert path.read_bytes() == b"three\n"
    assert path.stat().st_mode & 0o007 == 0


async def test_a_file_that_cannot_be_opened_anew_leaves_the_old_one_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    sink = RealEnv().open_sink(str(folder / "access.log"))
    folder.rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError):
        await sink.reopen()
    await sink.write(b"still here\n")
    await sink.aclose()
    assert (tmp_path / "moved" / "access.log").read_bytes() == b"still here\n"


async def test_a_full_disk_is_an_error_of_the_write() -> None:
    sink = RealEnv().open_sink("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        await sink.write(b"x")
    await sink.aclose()


async def test_a_write_that_is_stuck_can_be_left(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = RealEnv().open_sink(str(path))
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sink.write, b"x" * 1_000_000)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    finally:
        # Reading on lets the thread that was left behind end; then nothing is left open.
        os.set_blocking(reader, True)
        left = 1_000_000
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 10):
            while left:
                left -= len(await trio.to_thread.run_sync(os.read, reader, 65536))
            await sink.aclose()
        os.close(reader)


async def test_threads_that_all_others_hold_do_not_hold_up_a_log(tmp_path: Path) -> None:
    sink = RealEnv().open_sink(str(tmp_path / "access.log"))
    shared = trio.to_thread.current_default_thread_limiter()
    holders = [object() for _ in range(int(shared.available_tokens))]
    for holder in holders:
        shared.acquire_on_behalf_of_nowait(holder)
    with trio.fail_after(10):
        await sink.write(b"a line\n")
    for holder in holders:
        shared.release_on_behalf_of(holder)
    await sink.aclose()
    assert (tmp_path / "access.log").read_bytes() == b"a line\n"


async def test_a_stuck_write_does_not_hold_up_the_file_that_is_opened_next(tmp_path: Path) -> None:
    path, left = tmp_path / "pipe", 1_000_000
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = RealEnv().open_sink(str(path))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sink.write, b"x" * left)
        await trio.lowlevel.wait_readable(reader)  # The thread is inside its one long write.
        nursery.cancel_scope.cancel()
    path.rename(tmp_path / "old")
    await sink.reopen()
    with trio.fail_after(10):
        await sink.write(b"new\n")
    assert path.read_bytes() == b"new\n"
    # Reading on lets the thread that was left behind end.
    os.set_blocking(reader, True)
    with trio.fail_after(10):
        while left:
            left -= len(await trio.to_thread.run_sync(os.read, reader, 65536))
    await sink.aclose()
    os.close(reader)


async def test_standard_error_is_a_sink_that_does_not_close_it() -> None:
    sink = RealEnv().open_sink("-")
    await sink.write(b"")
    await sink.reopen()
    await sink.aclose()
    os.fstat(2)


@pytest.mark.parametrize(
    ("path", "stream"), [("-", "err"), ("/dev/stderr", "err"), ("/dev/stdout", "out")]
)
async def test_a_standard_stream_is_written_to_by_any_of_its_names(
    path: str, stream: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sink = RealEnv().open_sink(path)
    await sink.write(b"one\n")
    await sink.reopen()
    await sink.write(b"two\n")
    await sink.aclose()
    assert getattr(capfd.readouterr(), stream) == "one\ntwo\n"


async def test_standard_error_that_is_a_socket_is_written_to_all_the_same() -> None:
    ours, theirs = socket.socketpair()
    program = (
        "import trio; from trio_lb.net.real import RealEnv;"
        "trio.run(RealEnv().open_sink('/dev/stderr').write, b'a line')"
    )
    with ours, theirs:
        ran = await trio.run_process([sys.executable, "-c", program], stderr=theirs, check=False)
        theirs.close()
        assert (ours.recv(1000), ran.returncode) == (b"a line", 0)


async def test_a_line_from_outside_of_the_loop_needs_no_loop(tmp_path: Path) -> None:
    sink = RealEnv().open_sink(str(tmp_path / "log"))
    sink.write_now(b"one\n")
    assert (tmp_path / "log").read_bytes() == b"one\n"
    await sink.aclose()


async def test_a_line_from_outside_gives_up_where_nobody_reads(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = RealEnv().open_sink(str(path))
    sink.write_now(b"x" * fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ))
    with pytest.raises(BlockingIOError, match="its reader takes nothing"):
        sink.write_now(b"lost")
    os.close(reader)
    await sink.aclose()


def test_a_sink_whose_file_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no/access\.log"):
        RealEnv().open_sink(str(tmp_path / "no" / "access.log"))
    with pytest.raises(IsADirectoryError):
        RealEnv().open_sink(str(tmp_path))


async def test_a_sink_that_was_closed_writes_nowhere(tmp_path: Path) -> None:
    sink = RealEnv().open_sink(str(tmp_path / "log"))
    await sink.aclose()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await sink.write(b"lost")


async def test_a_burst_of_signals_of_two_kinds_loses_neither_kind() -> None:
    async with RealEnv().signals(["SIGUSR1", "SIGUSR2"]) as received:
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(os.getpid(), number)
        assert {await anext(received), await anext(received)} == {"SIGUSR1", "SIGUSR2"}


async def test_a_signal_has_its_old_meaning_behind_the_block() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    async with RealEnv().signals(["SIGUSR1"]):
        assert signal.getsignal(signal.SIGUSR1) != before
    assert signal.getsignal(signal.SIGUSR1) == before


async def test_an_unknown_signal_is_a_mistake_that_is_named() -> None:
    with pytest.raises(KeyError, match="SIGNOTHING"):
        async with RealEnv().signals(["SIGNOTHING"]):
            pass


@given(st.lists(st.sampled_from(["pick", "retry", "timers"]), max_size=12))
def test_a_stream_of_chance_does_not_depend_on_who_else_draws(order: list[str]) -> None:
    together = RealEnv(seed=7)
    drawn = [(name, together.rng(name).random()) for name in order]
    for name in set(order):
        alone = RealEnv(seed=7).rng(name)
        mine = [value for whose, value in drawn if whose == name]
        assert mine == [alone.random() for _ in mine]


async def test_signals_come_by_name() -> None:
    async with RealEnv().signals(["SIGUSR1", "SIGUSR2"]) as received:
        os.kill(os.getpid(), signal.SIGUSR2)
        assert await anext(received) == "SIGUSR2"
        os.kill(os.getpid(), signal.SIGUSR1)
        assert await anext(received) == "SIGUSR1"
