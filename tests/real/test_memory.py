"""How much memory the proxy needs as a process, in typical use."""

from pathlib import Path

import pytest

from benchmarks.wrk import Load
from tests.real.house import needs, open_nginx, open_proxy, open_wrk

pytestmark = [pytest.mark.real, needs("nginx", "wrk", "taskset")]

MOST_BYTES = 50 * 1000 * 1000


async def test_a_hundred_busy_connections_need_less_than_fifty_megabytes(tmp_path: Path) -> None:
    async with open_nginx(tmp_path, "one", "two") as (one, two):
        async with open_proxy(tmp_path, [one.address, two.address]) as proxy:
            load = Load(100, "/")
            with open_wrk(load, proxy.port, seconds=2, folder=tmp_path) as running:
                report = await running.report()
            assert dict(report.errors) == {}
            assert report.requests > 1000
            assert 0 < proxy.program.resident_bytes() < MOST_BYTES
            assert await proxy.stop() == 0
