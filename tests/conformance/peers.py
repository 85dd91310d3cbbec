"""Run the corpus against other proxies over loopback, and print what each passes.

    python -m tests.conformance.peers nginx
    python -m tests.conformance.peers haproxy --verbose --only chunked
    python -m tests.conformance.peers passthrough

It answers two questions: are our expectations right (a proxy that the world runs
should fail only where its documentation says so), and how far do the anchors get?
docs/conformance.md holds the figures. ``passthrough`` copies bytes and is the
floor: a corpus that it passes proves nothing.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final, Protocol

import trio

from tests.conformance.cases import CASES
from tests.conformance.judge import verdict
from tests.conformance.script import Case
from tests.conformance.server import GONE, Pause, ScriptedServer
from tests.conformance.stage import Stage, play
from tests.conformance.wire import Wire, connect_tcp, serve_tcp

Verdicts = Mapping[str, list[str]]

NGINX: Final = """
user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_timeout 75s; keepalive_requests 100000;
  client_header_timeout 1500ms; client_body_timeout 1500ms; client_max_body_size 0;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  map $http_upgrade $option {{ default upgrade; '' ''; }}
  upstream server {{ server 127.0.0.1:{server} max_fails=0; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://server; proxy_http_version 1.1;
      proxy_connect_timeout 1500ms; proxy_read_timeout 1500ms; proxy_send_timeout 1500ms;
      proxy_set_header Host $host; proxy_set_header Connection $option;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }}
  }}
}}
"""

HAPROXY: Final = """
global
  maxconn 256
defaults
  mode http
  timeout client 2500ms
  timeout http-request 1500ms
  timeout http-keep-alive 75s
  timeout connect 1500ms
  timeout server 1500ms
  timeout tunnel 5s
  option forwardfor
frontend in
  bind 127.0.0.1:{port}
  http-request set-header X-Forwarded-Proto http
  default_backend out
backend out
  server one 127.0.0.1:{server}
"""


class OpenProxy(Protocol):
    """Opens a proxy in front of a server's port and gives its own."""

    def __call__(self, server: int) -> AbstractAsyncContextManager[int]: ...


async def settle() -> None:
    """Let another process read what was sent, so that it sees the next piece by itself."""
    await trio.sleep(0.002)


@asynccontextmanager
async def _program(template: str, command: list[str], server: int) -> AsyncIterator[int]:
    """Run a program with a configuration file made from ``template`` until the block ends."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listener.socket.getsockname()[1]
    await listener.aclose()
    with tempfile.TemporaryDirectory() as folder:
        file = trio.Path(folder, "configuration")
        await file.write_text(template.format(folder=folder, server=server, port=port))
        process = await trio.lowlevel.open_process(
            [part.format(file=file) for part in command], stderr=subprocess.DEVNULL
        )
        try:
            await _wait_until_it_listens(port)
            yield port
        finally:
            process.terminate()
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
                await process.wait()


async def _wait_until_it_listens(port: int) -> None:
    with trio.fail_after(10):
        while True:
            try:
                await (await connect_tcp(port)).aclose()
            except OSError:
                await trio.sleep(0.05)
            else:
                return


@asynccontextmanager
async def open_passthrough(server: int) -> AsyncIterator[int]:
    """Copy bytes both ways: the floor."""

    async def copy(source: Wire, target: Wire) -> None:
        try:
            while data := await source.receive_some():
                await target.send_all(data)
            await target.send_eof()
        except GONE:
            source.abort()
            target.abort()

    async def serve(down: Wire) -> None:
        up = await connect_tcp(server)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(copy, down, up)
                nursery.start_soon(copy, up, down)
        finally:
            down.abort()
            up.abort()

    async with trio.open_nursery() as nursery:
        yield await nursery.start(serve_tcp, serve)
        nursery.cancel_scope.cancel()


def _ours(server: int) -> AbstractAsyncContextManager[int]:
    """Our own proxy; imported here, so that the anchors run without it."""
    from tests.conformance.ours import open_ours

    return open_ours(server)


PEERS: Final[Mapping[str, OpenProxy]] = {
    "ours": _ours,
    "nginx": partial(_program, NGINX, ["nginx", "-c", "{file}"]),
    "haproxy": partial(_program, HAPROXY, ["haproxy", "-db", "-f", "{file}"]),
    "passthrough": open_passthrough,
}


async def run(
    open_proxy: OpenProxy, cases: Iterable[Case], pause: Pause = settle
) -> dict[str, list[str]]:
    """Play ``cases`` one after the other against one proxy; give what was wrong with each."""
    server = ScriptedServer(pause)
    verdicts: dict[str, list[str]] = {}
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve_tcp, server.serve)
        async with open_proxy(port) as proxy:
            stage = Stage(
                connect=partial(connect_tcp, proxy),
                server=server,
                pause=pause,
                patience=3.0,
                closing=1.0,
            )
            for case in cases:
                seen = await play(case, stage)
                wrong = verdict(case, seen)
                verdicts[case.id] = [*wrong, *(seen.story() if wrong else ())]
        nursery.cancel_scope.cancel()
    return verdicts


def table(cases: Iterable[Case], verdicts: Verdicts) -> str:
    """Theme by theme: cases, passed, and the musts among the failed."""
    known = [case for case in cases if case.id in verdicts]
    total = Counter(case.theme for case in known)
    passed = Counter(case.theme for case in known if not verdicts[case.id])
    musts = Counter(case.theme for case in known if case.must and verdicts[case.id])
    rows = [
        f"{theme:20} {passed[theme]:4} of {total[theme]:4}   {musts[theme]:4}" for theme in total
    ]
    last = f"{'all':20} {passed.total():4} of {total.total():4}   {musts.total():4}"
    return "\n".join([f"{'theme':20} {'passed':12}   musts failed", *rows, last, ""])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.peers", description=__doc__)
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("--only", default="", help="cases whose id contains this")
    parser.add_argument("--verbose", action="store_true", help="say what is wrong with each")
    asked = parser.parse_args()
    cases = [case for case in CASES if asked.only in case.id]
    verdicts = trio.run(run, PEERS[asked.peer], cases)
    for case in cases if asked.verbose else ():
        if verdicts[case.id]:
            must = "MUST" if case.must else "    "
            sys.stdout.write(f"{must} {case.id} [{case.rule}]\n")
            sys.stdout.writelines(f"       {wrong}\n" for wrong in verdicts[case.id])
    sys.stdout.write(table(cases, verdicts))


if __name__ == "__main__":
    main()
