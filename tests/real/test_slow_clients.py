"""slowhttptest against our proxy as a process: who is slow on purpose costs nobody else much.

A smaller run than those of docs/operations.md, with timeouts of a few seconds. A client in
good faith asks all the while.
"""

import contextlib
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import attrs
import pytest
import trio

from benchmarks.ledger.fleet import wait_until
from benchmarks.program import Program, find, open_program
from tests.real.house import RunningProxy, cores, get, needs, open_nginx, open_proxy

pytestmark = [pytest.mark.real, needs("nginx", "slowhttptest", "taskset")]

CONNECTIONS: Final = min(200, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 4)
"""Fewer where few files may be open: each has two ends there and two here."""
A_SECOND: Final = 100
BYTES_A_CONNECTION: Final = 96 * 1024
"""What each attacker may cost; a thousand slow readers were measured at 89 KiB each."""
LARGE_PIECES: Final = 32 * 512 * 1024
"""What all of them together may, before the proxy notices that there are many."""
LARGE: Final = 6 * 1024 * 1024
"""More than the kernel takes for one connection: its own buffers grow to 4 MiB."""
CUT: Final = ("client_head", "client_body_idle", "write_stall")
CUT_SECONDS: Final = 4
LONGEST_SECONDS: Final = 20


@attrs.define
class Prober:
    """A client in good faith."""

    seconds: list[float] = attrs.Factory(list)
    statuses: set[int] = attrs.Factory(set)

    async def run(self, proxy: RunningProxy) -> None:
        while True:
            began_at = trio.current_time()
            self.statuses.add((await get(proxy.port, "/"))[0])
            self.seconds.append(trio.current_time() - began_at)
            await trio.sleep(0.05)

    def check(self) -> None:
        """It was served all the while. Somebody else on the machine may cost one its second."""
        assert self.statuses == {200}
        assert len(self.seconds) > 20
        assert sorted(self.seconds)[-1 - len(self.seconds) // 20] < 1.0
        assert max(self.seconds) < 5.0


@contextlib.asynccontextmanager
async def probed(proxy: RunningProxy) -> AsyncIterator[Prober]:
    prober = Prober()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(prober.run, proxy)
        yield prober
        nursery.cancel_scope.cancel()


@contextlib.contextmanager
def attacking(folder: Path, url: str, *mode: str) -> Iterator[Program]:
    path = find("slowhttptest")
    assert path is not None
    how_many = ["-c", str(CONNECTIONS), "-r", str(A_SECOND), "-l", str(LONGEST_SECONDS)]
    command = [path, *mode, *how_many, "-u", url]
    with open_program("slowhttptest", command, core=cores().load, folder=folder) as program:
        yield program


def open_descriptors(proxy: RunningProxy) -> int:
    return len(list(Path(f"/proc/{proxy.program.process.pid}/fd").iterdir()))


@pytest.mark.parametrize(
    ("mode", "path"),
    [
        (("-H", "-i", "1"), "/"),
        (("-B", "-i", "5", "-s", "8192"), "/sink"),
        (("-X", "-n", "5", "-z", "5", "-w", "10", "-y", "20"), "/files/large"),
    ],
    ids=["slow heads", "slow bodies", "slow readers"],
)
async def test_the_slow_are_cut_in_time_and_cost_the_others_nothing(
    tmp_path: Path, mode: tuple[str, ...], path: str
) -> None:
    async with open_nginx(tmp_path, "one") as (one,):
        (one.folder / "files" / "large").write_bytes(bytes(LARGE))
        settings = [f"--set=timeouts.{key}={CUT_SECONDS}s" for key in CUT]
        async with open_proxy(tmp_path, [one.address], *settings) as proxy:
            async with probed(proxy) as prober:
                await wait_until(lambda: len(prober.seconds) > 3, "an answer", seconds=5.0)
                idle, resident = open_descriptors(proxy), proxy.program.resident_bytes()
                with attacking(tmp_path, proxy.url + path, *mode):
                    await wait_until(
                        lambda: open_descriptors(proxy) >= idle + CONNECTIONS * 0.9,
                        "they are connected",
                        seconds=10.0,
                    )
                    held = proxy.program.resident_bytes()
                    began_at = trio.current_time()
                    await wait_until(
                        lambda: open_descriptors(proxy) <= idle + 5, "they are cut", seconds=15.0
                    )
                    assert trio.current_time() - began_at >= CUT_SECONDS / 2, "they had their time"
            assert held - resident <= CONNECTIONS * BYTES_A_CONNECTION + LARGE_PIECES
            prober.check()
            assert await proxy.stop() == 0


async def test_heads_with_a_thousand_ranges_are_answered_or_refused(tmp_path: Path) -> None:
    async with (
        open_nginx(tmp_path, "one") as (one,),
        open_proxy(tmp_path, [one.address]) as proxy,
    ):
        async with probed(proxy) as prober:
            with attacking(tmp_path, proxy.url, "-R", "-a", "1", "-b", "2000") as attack:
                ended = attack.process.poll
                await wait_until(lambda: ended() is not None, "it is over", seconds=15.0)
        prober.check()
        assert await proxy.stop() == 0
