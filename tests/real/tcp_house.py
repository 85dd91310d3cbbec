"""Real programs around a TCP listener of ours: redis behind it, HAProxy before it."""

import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

from benchmarks import machine
from benchmarks.ledger.fleet import wait_until
from benchmarks.machine import free_port
from benchmarks.program import Program, find, open_program
from tests.real.house import (
    READY_SECONDS,
    STATISTICS_SECONDS,
    RunningProxy,
    cores,
    wait_accepting,
)

_CONFIGURATION: Final = """
load_balancer:
  listeners:
    - {{protocol: {protocol}, bind: "127.0.0.1:{port}", proxy_protocol: {wanted}}}
  servers: [{servers}]
  proxy_protocol: {told}
  health_check: {{type: tcp, interval: 100ms, timeout: 2s}}
"""

_HAPROXY: Final = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen front
    bind 127.0.0.1:{port}
    server ours 127.0.0.1:{target} {options}
"""


@contextlib.asynccontextmanager
async def open_tcp_proxy(
    folder: Path,
    servers: Sequence[str],
    *,
    protocol: str = "tcp",
    wanted: str = "false",
    told: str = "false",
) -> AsyncIterator[RunningProxy]:
    """Our proxy with one listener, once all of ``servers`` are in rotation.

    ``wanted`` are the PROXY headers that clients send, ``told`` those that servers get.
    """
    machine.raise_file_limit()
    port = free_port()
    path = folder / "lb.yaml"
    listed = ", ".join(f'"{each}"' for each in servers)
    path.write_text(
        _CONFIGURATION.format(
            protocol=protocol, port=port, servers=listed, wanted=wanted, told=told
        )
    )
    period = ("--stats-period", str(STATISTICS_SECONDS))
    command = [sys.executable, "-m", "trio_lb", "run", str(path), *period]
    with open_program("trio_lb", command, core=cores().proxy, folder=folder) as program:
        proxy = RunningProxy(port, program)
        await wait_accepting(program, port)
        await wait_until(
            lambda: all(proxy.count_of(each).status == "HEALTHY" for each in servers),
            "all servers are healthy",
            seconds=READY_SECONDS,
        )
        yield proxy


@attrs.frozen
class Redis:
    """A running redis-server."""

    port: int
    program: Program

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def open_redis(folder: Path, name: str) -> AsyncIterator[Redis]:
    """A redis-server that keeps nothing on disk."""
    home = folder / name
    home.mkdir()
    port = free_port()
    command = [
        *(find("redis-server") or "redis-server", "--port", str(port), "--bind", "127.0.0.1"),
        *("--save", "", "--appendonly", "no", "--dir", str(home)),
    ]
    with open_program(name, command, core=cores().load, folder=folder) as program:
        await wait_accepting(program, port)
        yield Redis(port, program)


async def redis_cli(port: int, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run redis-cli; return what it printed, without the last newline."""
    command = ["redis-cli", "-p", str(port), *arguments]
    with trio.fail_after(30.0):
        ran = await trio.run_process(command, stdin=stdin, capture_stdout=True)
    return ran.stdout.removesuffix(b"\n")


@contextlib.asynccontextmanager
async def open_haproxy(folder: Path, target: int, options: str) -> AsyncIterator[int]:
    """An HAProxy before the port ``target``; ``options`` say what it sends. Yields its port."""
    port = free_port()
    path = folder / "haproxy.cfg"
    path.write_text(_HAPROXY.format(port=port, target=target, options=options))
    command = [find("haproxy") or "haproxy", "-db", "-f", str(path)]
    with open_program("haproxy", command, core=cores().load, folder=folder) as program:
        await wait_accepting(program, port)
        yield port
