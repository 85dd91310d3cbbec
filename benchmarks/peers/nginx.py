"""nginx as a reverse proxy with a keep-alive pool; the rest at its defaults."""

from typing import Final

from typing_extensions import override

from benchmarks import nginx_conf
from benchmarks.certificate import Certificate
from benchmarks.peers.base import Peer, Setup, output_of
from benchmarks.program import find, require

# Two departures from what nginx does by itself, so that it does the same job as the
# others: it keeps upstream connections (the pool, HTTP/1.1, no Connection header), and
# it streams uploads through 256 KiB of memory. Left alone it would write each upload
# into a file in steps of 8 KiB before the origin sees a byte, at several times the cost.
_HTTP: Final = """
client_max_body_size 0;
proxy_request_buffering off;
client_body_buffer_size 256k;
{buffers}
upstream origin {{
    server 127.0.0.1:{origin_port};
    keepalive 256;
    keepalive_requests 1000000000;
}}
server {{
    listen 127.0.0.1:{port} backlog=4096{tls};
{certificate}    location / {{
        proxy_pass http://origin;
        proxy_http_version 1.1;
{connection}
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
    }}
}}
"""

_NO_TUNNEL: Final = '        proxy_set_header Connection "";'
_TUNNEL: Final = """\
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $http_connection;"""


def _certificate_lines(certificate: Certificate | None) -> str:
    """TLS 1.3 as everybody else: before 1.23.4 it is not on by itself, and 1.2 is another job."""
    if certificate is None:
        return ""
    return (
        "    ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"    ssl_certificate {certificate.chain};\n"
        f"    ssl_certificate_key {certificate.key};\n"
    )


class Nginx(Peer):
    """The C proxy that everybody compares with."""

    name = "nginx"
    install = "apt-get install nginx"
    buffers = ""
    sits_out = frozenset({"probes"})

    @override
    def is_present(self) -> bool:
        return find("nginx") is not None

    @override
    def version(self) -> str:
        return output_of(*self.version_command()).rpartition("/")[2]

    @override
    def version_command(self) -> list[str]:
        return [require("nginx"), "-v"]

    @override
    def command(self, setup: Setup) -> list[str]:
        http = _HTTP.format(
            port=setup.port,
            origin_port=setup.origin_port,
            buffers=self.buffers,
            tls=" ssl" if setup.certificate else "",
            certificate=_certificate_lines(setup.certificate),
            connection=_TUNNEL if setup.tunnels else _NO_TUNNEL,
        )
        return nginx_conf.command_line(setup.folder, http)


class NginxTuned(Nginx):
    """nginx with large buffers for answers too: the best that it does with bulk bodies."""

    name = "nginx-256k"
    in_quick = False
    buffers = "proxy_buffer_size 256k; proxy_buffers 8 256k; proxy_busy_buffers_size 512k;"

    @override
    def takes_part_in(self, row: str) -> bool:
        return row in ("bulk", "chunked")
