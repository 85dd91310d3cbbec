"""Two real nginx servers behind our proxy, wrk before it, one of them killed under load."""

from pathlib import Path

import pytest
import trio

from benchmarks.ledger.fleet import wait_until
from benchmarks.wrk import Load
from tests.real.house import needs, open_nginx, open_proxy, open_wrk, wait_answer_of

pytestmark = [pytest.mark.real, needs("nginx", "wrk", "taskset")]

CONNECTIONS = 64
UPLOAD_BYTES = 1000


async def test_a_killed_nginx_costs_no_get_is_out_within_a_second_and_comes_back(
    tmp_path: Path,
) -> None:
    async with open_nginx(tmp_path, "one", "two") as (one, two):
        async with open_proxy(tmp_path, [one.address, two.address]) as proxy:
            load = Load(CONNECTIONS, "/")
            with open_wrk(load, proxy.port, seconds=4, folder=tmp_path) as running:
                await wait_until(
                    lambda: proxy.count_of(one.address).total >= 500, "load", seconds=4.0
                )
                one.kill()
                killed_at = trio.current_time()
                await wait_until(
                    lambda: "ejected" in proxy.output(), "the dead server is out", seconds=1.0
                )
                # Two blocks later every attempt made before it went out has been counted.
                await trio.sleep_until(killed_at + 1.0)
                tried = proxy.count_of(one.address).total
                report = await running.report()
            assert dict(report.errors) == {}
            assert report.requests > 500
            assert proxy.count_of(one.address).total == tried, "it was out for good"

            await one.start()
            await wait_answer_of(proxy.port, "one", seconds=10.0)
            assert await proxy.stop() == 0


async def test_a_killed_nginx_costs_no_more_posts_than_were_in_flight_at_it(
    tmp_path: Path,
) -> None:
    async with open_nginx(tmp_path, "one", "two") as (one, two):
        async with open_proxy(tmp_path, [one.address, two.address]) as proxy:
            load = Load(CONNECTIONS, "/sink", UPLOAD_BYTES)
            with open_wrk(load, proxy.port, seconds=3, folder=tmp_path) as running:
                await wait_until(
                    lambda: proxy.count_of(one.address).total >= 300, "load", seconds=4.0
                )
                one.kill()
                report = await running.report()
            # wrk has one request in flight on each connection, half of them at each server.
            assert sum(report.errors.values()) <= CONNECTIONS / 2 + 1, dict(report.errors)
            assert report.errors.keys() <= {"status"}, "answered, not dropped"
            assert await proxy.stop() == 0


@pytest.mark.slow
async def test_two_thousand_connections_are_served_evenly_and_without_an_error(
    tmp_path: Path,
) -> None:
    async with open_nginx(tmp_path, "one", "two") as (one, two):
        addresses = [one.address, two.address]
        async with open_proxy(tmp_path, addresses, "--max-connections", "5000") as proxy:
            load = Load(2000, "/")
            # All 2,000 wait for their turn, one after the other: on a slow or busy machine that
            # takes longer than wrk's 2 s, and is fair all the same.
            patient = open_wrk(load, proxy.port, seconds=6, folder=tmp_path, patience_seconds=20)
            with patient as running:
                report = await running.report()
            assert dict(report.errors) == {}
            assert report.requests > 2 * load.connections
            assert report.p99_us <= 3 * report.p50_us
            assert await proxy.stop() == 0
