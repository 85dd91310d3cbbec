"""The real server behind every proxy: nginx with a small answer, a large one, and a sink."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from benchmarks import nginx_conf
from benchmarks.machine import free_port
from benchmarks.program import Program, open_program

SMALL_BODY: Final = b"Hello from the origin.\n"
BULK_BYTES: Final = 1024 * 1024

SMALL_PATH: Final = "/small"
BULK_PATH: Final = "/bulk.bin"
CHUNKED_PATH: Final = "/chunked.bin"
SINK_PATH: Final = "/sink"

# nginx answers `return` at once and throws a body away afterwards, which would let a
# proxy stop in the middle of an upload. Behind an inner hop it must have read the
# whole body first: it is buffered in memory, dropped, and the inner server says how
# many bytes of the request had come in by then.
_HTTP: Final = """
default_type application/octet-stream;
sendfile on;
tcp_nopush on;
client_max_body_size 0;
client_body_buffer_size {body_buffer};
upstream counter {{
    server unix:{folder}/counter.sock;
    keepalive 64;
    keepalive_requests 1000000000;
}}
server {{
{listen}
    root {folder};
    location = / {{
        return 200 "alive\\n";
    }}
    location = {small_path} {{
        return 200 "Hello from the origin.\\n";
    }}
    location = {chunked_path} {{
        # The same file; a filter that finds nothing makes its length unknown, so it is chunked.
        alias {folder}{bulk_path};
        output_buffers 2 256k;
        sub_filter "no such words" "";
        sub_filter_types *;
    }}
    location = {sink_path} {{
        proxy_pass http://counter;
        proxy_http_version 1.1;
        proxy_pass_request_body off;
        proxy_set_header Connection "";
        proxy_set_header Content-Length "";
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


@attrs.frozen
class Origin:
    """The running origin and its port on 127.0.0.1."""

    port: int
    program: Program


LOOPBACK: Final = ("127.0.0.1",)


def http_block(folder: Path, port: int, hosts: Sequence[str] = LOOPBACK) -> str:
    """The ``http`` block's content."""
    return _HTTP.format(
        folder=folder,
        listen="\n".join(f"    listen {host}:{port} backlog=4096;" for host in hosts),
        body_buffer=2 * BULK_BYTES,
        small_path=SMALL_PATH,
        bulk_path=BULK_PATH,
        chunked_path=CHUNKED_PATH,
        sink_path=SINK_PATH,
    )


@contextlib.contextmanager
def open_origin(
    folder: Path, *, core: int, port: int | None = None, hosts: Sequence[str] = LOOPBACK
) -> Iterator[Origin]:
    """Run the origin for as long as the block runs; its files lie in ``folder``."""
    port = free_port() if port is None else port
    command = nginx_conf.command_line(folder, http_block(folder, port, hosts))
    (folder / BULK_PATH.lstrip("/")).write_bytes(bytes(BULK_BYTES))
    with open_program("origin", command, core=core, folder=folder) as program:
        yield Origin(port, program)
