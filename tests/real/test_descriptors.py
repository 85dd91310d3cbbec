"""Our proxy as a process with few descriptors, before more clients than it can hold."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import pytest
import trio

from benchmarks.ledger.client import connect
from benchmarks.ledger.fleet import wait_until
from benchmarks.machine import free_port
from benchmarks.program import open_program
from tests.real.house import RunningProxy, cores, get, needs, open_nginx, wait_accepting

pytestmark = [pytest.mark.real, needs("nginx", "taskset")]

DESCRIPTORS: Final = 64
CLIENTS: Final = 200


@contextmanager
def open_poor_proxy(folder: Path, server: str) -> Iterator[RunningProxy]:
    """The proxy under a hard limit, which it cannot raise; a shell sets it before it begins."""
    port = free_port()
    run = f"ulimit -n {DESCRIPTORS}; exec {sys.executable} -m trio_lb run -p {port} -b {server}"
    command = ["sh", "-c", f"{run} --stats-period 0 --health-check-period 0.2"]
    with open_program("trio_lb", command, core=cores().proxy, folder=folder) as program:
        yield RunningProxy(port, program)


@attrs.define
class Crowd:
    """What clients saw."""

    good: int = 0
    busy: int = 0
    cut: int = 0

    async def ask(self, port: int) -> None:
        """One request on a connection of its own, which waits in the backlog if it must."""
        try:
            status, _ = await get(port, "/")
        except OSError:
            self.cut += 1
            return
        self.good += status == 200
        self.busy += status == 503


async def ask_at_once(port: int) -> Crowd:
    crowd = Crowd()
    async with trio.open_nursery() as nursery:
        for _ in range(CLIENTS):
            nursery.start_soon(crowd.ask, port)
    return crowd


async def test_more_clients_than_descriptors_wait_or_are_told_and_nobody_is_blamed(
    tmp_path: Path,
) -> None:
    async with open_nginx(tmp_path, "one") as (one,):
        with open_poor_proxy(tmp_path, one.address) as proxy:
            program = proxy.program
            await wait_accepting(program, proxy.port)
            await wait_until(lambda: "healthy" in proxy.output(), "a check", seconds=10.0)
            idle = [await connect(proxy.port) for _ in range(DESCRIPTORS - 20)]
            cpu = program.cpu_seconds()
            crowd = await ask_at_once(proxy.port)
            assert (crowd.good + crowd.busy, crowd.cut) == (CLIENTS, 0)
            assert crowd.good > 0, "what is under way ends well"
            assert "Too many open files" in proxy.output()
            assert program.cpu_seconds() - cpu < 3.0, "no spinning"
            for each in idle:
                await each.aclose()
            later = await ask_at_once(proxy.port)
            assert later.good + later.busy == CLIENTS
            assert [(await get(proxy.port, "/"))[0] for _ in range(5)] == [200] * 5
            told = proxy.output()
            assert "ejected" not in told
            assert "unhealthy" not in told
            assert told.count("accepting pauses") <= 3
            assert await proxy.stop() == 0
