"""Real programs on both sides of our proxy: nginx behind it, curl and wrk before it.

Everything is started by the test that needs it, on free ports of 127.0.0.1, and ended by
its own process group. Waits are for conditions, each with a deadline.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import pytest
import trio

from benchmarks import machine, nginx_conf, wrk
from benchmarks.ledger.accounts import ServerCount, parse_statistics
from benchmarks.ledger.client import connect
from benchmarks.ledger.fleet import accepts, wait_until
from benchmarks.ledger.wire import Wire
from benchmarks.machine import Cores, free_port
from benchmarks.program import Program, find, open_program

READY_SECONDS: Final = 15.0
STATISTICS_SECONDS: Final = 0.1

_PACKAGES: Final = {"taskset": "util-linux"}
_HTTP: Final = """
client_max_body_size 0;
server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {folder};
    location / {{
        return 200 "{name}\\n";
    }}
    location /files/ {{
        default_type application/octet-stream;
    }}
    location = /sink {{
        # Without the body, but not before it was read: see benchmarks/origin.py.
        client_body_buffer_size 64k;
        proxy_pass http://unix:{folder}/counter.sock;
        proxy_http_version 1.1;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header Transfer-Encoding "";
        proxy_set_header X-Read $request_length;
    }}
}}
server {{
    listen unix:{folder}/counter.sock;
    location / {{
        return 200 "$http_x_read";
    }}
}}
"""


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip, with the line to type, where a program is absent."""
    absent = [_PACKAGES.get(each, each) for each in programs if find(each) is None]
    return pytest.mark.skipif(bool(absent), reason=f"apt-get install {' '.join(absent)}")


def cores() -> Cores:
    return Cores.of(os.sched_getaffinity(0))


class NginxServer:
    """An nginx that names itself, at a port that it keeps over its lives."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.port = free_port()
        self.folder = folder / name
        (self.folder / "files").mkdir(parents=True)
        self._life = contextlib.ExitStack()
        self._program: Program | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        http = _HTTP.format(port=self.port, folder=self.folder, name=self.name)
        (self.folder / "counter.sock").unlink(missing_ok=True)
        command = nginx_conf.command_line(self.folder, http)
        self._program = self._life.enter_context(
            open_program(self.name, command, core=cores().load, folder=self.folder)
        )
        await wait_accepting(self._program, self.port)

    def kill(self) -> None:
        """SIGKILL to master and worker at once: nobody closes anything in order."""
        if self._program is not None:
            os.killpg(self._program.process.pid, signal.SIGKILL)
            self._program.process.wait()
            self._program = None
            self._life.close()


def let_others_in(folder: Path) -> None:
    """Started by root, nginx's worker is another user; pytest's folders are for one only."""
    for each in (folder, *folder.parents):
        if each.stat().st_uid == os.getuid() and not each.stat().st_mode & 0o001:
            each.chmod(each.stat().st_mode | 0o011)


@contextlib.asynccontextmanager
async def open_nginx(folder: Path, *names: str) -> AsyncIterator[Sequence[NginxServer]]:
    """Running nginx servers."""
    let_others_in(folder)
    servers = [NginxServer(name, folder) for name in names]
    try:
        for server in servers:
            await server.start()
        yield servers
    finally:
        for server in servers:
            server.kill()


@attrs.frozen
class RunningProxy:
    """Our proxy as a process."""

    port: int
    program: Program

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        return self.program.log.read_text("utf-8", errors="replace")

    def count_of(self, address: str) -> ServerCount:
        """What its latest statistics say of a server."""
        statistics = parse_statistics(self.output())
        return ServerCount("", 0, 0, 0) if statistics is None else statistics.servers[address]

    async def stop(self) -> int:
        """SIGTERM; return the exit code once it has ended."""
        os.kill(self.program.process.pid, signal.SIGTERM)
        process = self.program.process
        await wait_until(lambda: process.poll() is not None, "the proxy ends", seconds=20.0)
        return process.returncode


@contextlib.asynccontextmanager
async def open_proxy(
    folder: Path, servers: Sequence[str], *options: str
) -> AsyncIterator[RunningProxy]:
    """Our proxy before ``servers``, once all of them are in rotation."""
    machine.raise_file_limit()
    port = free_port()
    command = [
        *(sys.executable, "-m", "trio_lb", "run", "--host", "127.0.0.1", "-p", str(port)),
        *("--stats-period", str(STATISTICS_SECONDS), *options, "-b", *servers),
    ]
    with open_program("trio_lb", command, core=cores().proxy, folder=folder) as program:
        proxy = RunningProxy(port, program)
        await wait_accepting(program, port)
        await wait_until(
            lambda: all(proxy.count_of(each).status == "HEALTHY" for each in servers),
            "all servers are healthy",
            seconds=READY_SECONDS,
        )
        yield proxy


async def wait_accepting(program: Program, port: int) -> None:
    """Wait until a program that has just been started listens."""
    with trio.fail_after(READY_SECONDS):
        while not await accepts(port):
            program.check()
            await trio.sleep(0.01)


async def wait_answer_of(port: int, name: str, *, seconds: float) -> None:
    """Ask until the nginx of that name answers."""
    with trio.fail_after(seconds):
        # What is waited for happens in other processes: there is no event to wait for.
        while (await get(port, "/"))[1].strip() != name.encode():  # noqa: ASYNC110
            await trio.sleep(0.02)


async def get(port: int, path: str) -> tuple[int, bytes]:
    """One GET on a connection of its own."""
    async with await connect(port) as stream:
        wire = Wire(stream)
        await stream.send_all(
            f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        )
        head, status = await wire.read_answer_head()
        return status, await wire.read_answer_body(head, "GET", status)


@attrs.define
class RunningWrk:
    """A wrk at work; its report comes at its end."""

    program: Program
    seconds: int

    async def report(self) -> wrk.Report:
        ended = self.program.process.poll
        await wait_until(lambda: ended() is not None, "wrk ends", seconds=self.seconds + 15.0)
        return wrk.parse_report(self.program.log.read_text("utf-8"))


@contextlib.contextmanager
def open_wrk(
    load: wrk.Load, port: int, *, seconds: int, folder: Path, patience_seconds: int = 2
) -> Iterator[RunningWrk]:
    """wrk, for a load and a time; ``patience_seconds`` is what it calls a timeout."""
    path, *rest = wrk.command_line(load, port, seconds)
    command = [path, "--timeout", f"{patience_seconds}s", *rest]
    with open_program("wrk", command, core=cores().load, folder=folder) as program:
        yield RunningWrk(program, seconds)


@attrs.frozen
class Curled:
    """What a run of curl gave: its body, and its own account of the transfer."""

    body: bytes
    status: int
    version: str
    connects: int
    exit_code: int


# The last line of standard error, which -s leaves to errors and to us.
_WRITE_OUT: Final = (
    '%{stderr}{"status": "%{response_code}", "version": "%{http_version}", '
    '"connects": %{num_connects}}\n'
)


async def curl(*arguments: str, stdin: bytes = b"") -> Curled:
    """Run curl; a failure of the transfer is its exit code, and no exception."""
    ran = await trio.run_process(
        ["curl", "-sS", "--max-time", "60", "-w", _WRITE_OUT, *arguments],
        stdin=stdin,
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    said = json.loads(ran.stderr.splitlines()[-1])
    # Without an answer the status is 000, which is no number to JSON.
    return Curled(
        ran.stdout, int(said["status"]), said["version"], said["connects"], ran.returncode
    )
