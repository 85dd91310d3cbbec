"""HAProxy in HTTP mode with forwarded headers; its upstream reuse is on by itself."""

from typing import Final

from typing_extensions import override

from benchmarks.peers.base import PROBE_SECONDS, Peer, Setup, output_of
from benchmarks.program import find, require

_CONFIGURATION: Final = """\
global
    maxconn 8000
    nbthread 1
defaults
    mode http
    timeout connect 3s
    timeout client 60s
    timeout server 60s
    option forwardfor
listen proxy
    bind 127.0.0.1:{port} backlog 4096{tls}
{servers}
"""


class HAProxy(Peer):
    """The C load balancer."""

    name = "HAProxy"
    install = "apt-get install haproxy"
    in_quick = False

    @override
    def is_present(self) -> bool:
        return find("haproxy") is not None

    @override
    def version(self) -> str:
        # "HAProxy version 2.6.12-1+deb12u1 2023/12/16 - https://haproxy.org/"
        return output_of(*self.version_command()).split()[2].partition("-")[0]

    @override
    def version_command(self) -> list[str]:
        return [require("haproxy"), "-v"]

    @override
    def command(self, setup: Setup) -> list[str]:
        configuration = setup.folder / "haproxy.cfg"
        certificate = setup.certificate
        tls = f" ssl crt {certificate.both}" if certificate else ""
        every = f" inter {PROBE_SECONDS}s" if setup.probed else ""
        # By itself HAProxy only connects; where probes are measured it asks, as we do.
        lines = ["    option httpchk GET /"] if setup.probed else []
        lines += [f"    server s{i} {at} check{every}" for i, at in enumerate(setup.servers)]
        text = _CONFIGURATION.format(port=setup.port, tls=tls, servers="\n".join(lines))
        configuration.write_text(text, "utf-8")
        return [require("haproxy"), "-db", "-f", str(configuration)]
