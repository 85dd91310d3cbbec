"""redis behind a TCP listener: its own client and its own benchmark notice nothing."""

import hashlib
import re
from pathlib import Path

import pytest
import trio

from benchmarks.ledger.client import connect
from benchmarks.ledger.fleet import wait_until
from benchmarks.program import find
from tests.real.house import needs
from tests.real.tcp_house import open_redis, open_tcp_proxy, redis_cli

_ABSENT = [each for each in ("redis-server", "redis-cli", "redis-benchmark") if not find(each)]
pytestmark = [
    pytest.mark.real,
    needs("taskset"),
    pytest.mark.skipif(bool(_ABSENT), reason="apt-get install redis-server redis-tools"),
]

REQUESTS = 6_000


async def test_redis_cli_sets_and_gets_large_binary_values_exactly(tmp_path: Path) -> None:
    value = hashlib.shake_128(b"any bytes").digest(3_000_000)
    async with open_redis(tmp_path, "redis") as redis:
        async with open_tcp_proxy(tmp_path, [redis.address]) as proxy:
            assert await redis_cli(proxy.port, "PING") == b"PONG"
            assert await redis_cli(proxy.port, "-x", "SET", "key", stdin=value) == b"OK"
            assert await redis_cli(proxy.port, "GET", "key") == value
            assert await redis_cli(redis.port, "GET", "key") == value
            assert await proxy.stop() == 0


async def test_a_mass_insertion_by_pipe_loses_no_command(tmp_path: Path) -> None:
    commands = b"".join(b"RPUSH list %d\r\n" % number for number in range(REQUESTS))
    async with open_redis(tmp_path, "redis") as redis:
        async with open_tcp_proxy(tmp_path, [redis.address]) as proxy:
            said = await redis_cli(proxy.port, "--pipe", stdin=commands)
            assert said.endswith(b"errors: 0, replies: %d" % REQUESTS)
            listed = await redis_cli(redis.port, "LRANGE", "list", "0", "-1")
            assert listed.split() == [b"%d" % number for number in range(REQUESTS)]


@pytest.mark.parametrize("depth", [1, 16])
async def test_redis_benchmark_runs_and_the_server_counted_each_request(
    tmp_path: Path, depth: int
) -> None:
    async with open_redis(tmp_path, "redis") as redis:
        async with open_tcp_proxy(tmp_path, [redis.address]) as proxy:
            command = [
                *("redis-benchmark", "-p", str(proxy.port), "-t", "set,get", "-c", "50", "--csv"),
                *("-n", str(REQUESTS), "-P", str(depth)),
            ]
            with trio.fail_after(45.0):
                ran = await trio.run_process(command, capture_stdout=True, capture_stderr=True)
            assert re.findall(rb'^"(SET|GET)",', ran.stdout, re.MULTILINE) == [b"SET", b"GET"]
            stats = await redis_cli(redis.port, "INFO", "commandstats")
            for name in (b"set", b"get"):
                assert b"cmdstat_%b:calls=%d," % (name, REQUESTS) in stats
            await wait_until(
                lambda: proxy.count_of(redis.address).active == 0, "all have ended", seconds=2.0
            )
            assert proxy.count_of(redis.address).failed == 0
            assert await proxy.stop() == 0


async def test_a_redis_that_is_shut_down_resets_its_clients_and_the_other_takes_the_next(
    tmp_path: Path,
) -> None:
    async with open_redis(tmp_path, "one") as one, open_redis(tmp_path, "two") as two:
        await redis_cli(one.port, "SET", "name", "one")
        await redis_cli(two.port, "SET", "name", "two")
        async with open_tcp_proxy(tmp_path, [one.address, two.address]) as proxy:
            names = [await redis_cli(proxy.port, "GET", "name") for _ in range(4)]
            assert sorted(names) == [b"one", b"one", b"two", b"two"]
            async with await connect(proxy.port) as first, await connect(proxy.port) as second:
                for stream in (first, second):
                    await stream.send_all(b"GET name\r\n")
                answers = {await first.receive_some(): first, await second.receive_some(): second}
                one.program.process.kill()
                with trio.fail_after(5.0):
                    assert await _rest(answers[b"$3\r\none\r\n"]) == b""
                still = answers[b"$3\r\ntwo\r\n"]
                await still.send_all(b"PING\r\n")
                assert await still.receive_some() == b"+PONG\r\n"
            for _ in range(4):
                assert await redis_cli(proxy.port, "GET", "name") == b"two"


async def _rest(stream: trio.SocketStream) -> bytes:
    """What still comes; a reset is an end, too."""
    try:
        return bytes(await stream.receive_some())
    except trio.BrokenResourceError:
        return b""
