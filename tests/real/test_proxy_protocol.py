"""PROXY headers that HAProxy and curl wrote, and ours as nginx reads them."""

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from benchmarks import nginx_conf
from benchmarks.ledger.client import connect
from benchmarks.ledger.wire import Wire
from benchmarks.machine import free_port
from benchmarks.program import open_program
from tests.real.house import cores, curl, let_others_in, needs, wait_accepting
from tests.real.tcp_house import open_haproxy, open_tcp_proxy

pytestmark = [pytest.mark.real, needs("nginx", "haproxy", "curl", "taskset")]

# It answers with the addresses of the header that it was sent, and its own view of the wire.
_HTTP = """
server {{
    listen 127.0.0.1:{port} proxy_protocol;
    location / {{
        return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_port";
    }}
}}
"""


@contextlib.asynccontextmanager
async def open_reader(folder: Path) -> AsyncIterator[str]:
    """An nginx that asks for a PROXY header, v1 or v2; yields its address."""
    let_others_in(folder)
    home = folder / "nginx"
    home.mkdir()
    port = free_port()
    command = nginx_conf.command_line(home, _HTTP.format(port=port))
    with open_program("nginx", command, core=cores().load, folder=home) as program:
        await wait_accepting(program, port)
        yield f"127.0.0.1:{port}"


@pytest.mark.parametrize("told", ["v1", "v2"])
async def test_nginx_learns_the_client_that_came_to_us(tmp_path: Path, told: str) -> None:
    async with open_reader(tmp_path) as reader:
        async with open_tcp_proxy(tmp_path, [reader], told=told) as proxy:
            async with await connect(proxy.port) as stream:
                mine = stream.socket.getsockname()[1]
                await stream.send_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                wire = Wire(stream)
                head, status = await wire.read_answer_head()
                body = await wire.read_answer_body(head, "GET", status)
            assert (status, body) == (200, f"127.0.0.1 {mine} {proxy.port}".encode())
            assert await proxy.stop() == 0


@pytest.mark.parametrize(
    ("protocol", "sends"),
    [
        ("tcp", "send-proxy"),
        ("tcp", "send-proxy-v2"),
        ("tcp", "send-proxy-v2 proxy-v2-options ssl,crc32c"),
        ("http", "send-proxy"),
        ("http", "send-proxy-v2 proxy-v2-options ssl,crc32c"),
    ],
)
async def test_a_client_of_haproxy_before_us_is_named_to_nginx_behind_us(
    tmp_path: Path, protocol: str, sends: str
) -> None:
    async with open_reader(tmp_path) as reader:
        async with open_tcp_proxy(
            tmp_path, [reader], protocol=protocol, wanted="true", told="v2"
        ) as proxy:
            async with open_haproxy(tmp_path, proxy.port, sends) as front:
                got = await curl(f"http://127.0.0.1:{front}/", "--local-port", "40000-49000")
                assert (got.status, got.exit_code) == (200, 0)
                addressed = re.fullmatch(rb"127\.0\.0\.1 (\d+) (\d+)", got.body)
                assert addressed is not None
                assert 40_000 <= int(addressed[1]) <= 49_000
                assert int(addressed[2]) == front


async def test_curl_s_own_header_is_taken_and_its_absence_is_a_reset(tmp_path: Path) -> None:
    async with open_reader(tmp_path) as reader:
        async with open_tcp_proxy(tmp_path, [reader], wanted="v1", told="v1") as proxy:
            got = await curl("--haproxy-protocol", f"{proxy.url}/")
            assert (got.status, got.body.endswith(b" %d" % proxy.port)) == (200, True)
            async with await connect(proxy.port) as stream:
                await stream.send_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                with pytest.raises(trio.BrokenResourceError, match="reset"):
                    await stream.receive_some()
