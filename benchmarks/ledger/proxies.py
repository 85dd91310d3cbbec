"""The proxies under test, configured alike as far as they can be.

All keep idle upstream connections for 4 s, connect within 3 s, wait 30 s for an answer,
choose the server with the fewest requests, retry twice what may be retried, check health
every 5 s with a GET of ``/``, and write an access log. Where one cannot do what the
others do, it stays at its own default.
"""

import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

import attrs
from typing_extensions import override

from benchmarks import nginx_conf
from benchmarks.program import find, require


@attrs.frozen
class Setup:
    """What a proxy is started with."""

    port: int
    servers: Sequence[int]
    folder: Path


class Proxy(ABC):
    """A proxy that the ledger can be held against."""

    name: ClassVar[str]
    install: ClassVar[str]
    """What to type where it is absent."""
    graceful: ClassVar[signal.Signals] = signal.SIGTERM
    """The signal by which it finishes what it began, and ends."""
    prints_statistics: ClassVar[bool] = False
    """Whether its output holds blocks of statistics, all the time."""

    def is_present(self) -> bool:
        """Whether it can be started here."""
        return find(self.name) is not None

    @abstractmethod
    def command(self, setup: Setup) -> list[str]:
        """Write its configuration into ``setup.folder`` and say how to run it."""

    def environment(self, setup: Setup) -> Mapping[str, str]:
        """Variables to set beside the inherited ones."""
        return {}

    def access_log(self, setup: Setup, output: Path) -> Path:
        """Where it writes its access log; ``output`` is the file of what it prints."""
        return setup.folder / "access.log"


class TrioLB(Proxy):
    """Ours, as the command line starts it, with the access log switched on."""

    name = "trio_lb"
    install = "pip install trio-lb"
    prints_statistics = True

    @override
    def is_present(self) -> bool:
        return True

    @override
    def command(self, setup: Setup) -> list[str]:
        return [
            *(sys.executable, "-m", "trio_lb", "run"),
            *("--host", "127.0.0.1", "--port", str(setup.port)),
            *("--backends", *(f"127.0.0.1:{port}" for port in setup.servers)),
            *("--stats-period", "0.25", "--access-log", str(setup.folder / "access.log")),
        ]


_HAPROXY: Final = """\
global
    maxconn 8000
    nbthread 1
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    option redispatch 1
    retries 2
    timeout connect 3s
    timeout client 60s
    timeout http-keep-alive 75s
    timeout server 30s
    timeout queue 5s
frontend clients
    bind 127.0.0.1:{port}
    default_backend servers
backend servers
    balance leastconn
    option httpchk
    http-check send meth GET uri / ver HTTP/1.1 hdr Host ledger.test
    retry-on conn-failure empty-response junk-response
    http-request disable-l7-retry unless METH_GET or {{ method PUT }}
    default-server check inter 5s fastinter 1s downinter 1s rise 2 fall 3
    default-server observe layer7 error-limit 5 on-error mark-down pool-purge-delay 4s
{servers}
"""


class HAProxy(Proxy):
    """Its retries are off for all but GET and PUT, as it has no notion of idempotence."""

    name = "haproxy"
    install = "apt-get install haproxy"
    graceful = signal.SIGUSR1

    @override
    def command(self, setup: Setup) -> list[str]:
        servers = "\n".join(
            f"    server s{n} 127.0.0.1:{port}" for n, port in enumerate(setup.servers)
        )
        configuration = setup.folder / "haproxy.cfg"
        configuration.write_text(_HAPROXY.format(port=setup.port, servers=servers), "utf-8")
        return [require("haproxy"), "-db", "-f", str(configuration)]

    @override
    def access_log(self, setup: Setup, output: Path) -> Path:
        return output


_NGINX: Final = """
log_format ledger '$request_method $request_uri $status';
upstream servers {{
    least_conn;
{servers}
    keepalive 32;
    keepalive_timeout 4s;
}}
server {{
    listen 127.0.0.1:{port} backlog=1024;
    access_log {folder}/access.log ledger;
    location / {{
        proxy_pass http://servers;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_connect_timeout 3s;
        proxy_read_timeout 30s;
        proxy_next_upstream_tries 3;
    }}
}}
"""


class Nginx(Proxy):
    """It has no active checks; five failures take a server out for 5 s, as with the others.

    Its default, one failure, would take out all servers at once in a keep-alive race.
    """

    name = "nginx"
    install = "apt-get install nginx"
    graceful = signal.SIGQUIT

    @override
    def command(self, setup: Setup) -> list[str]:
        servers = "\n".join(
            f"    server 127.0.0.1:{port} max_fails=5 fail_timeout=5s;" for port in setup.servers
        )
        http = _NGINX.format(port=setup.port, servers=servers, folder=setup.folder)
        return nginx_conf.command_line(setup.folder, http)


_CADDY: Final = """\
{{
    admin off
    auto_https off
    grace_period 30s
}}
:{port} {{
    bind 127.0.0.1
    log {{
        output file {folder}/access.log
    }}
    reverse_proxy {servers} {{
        lb_policy least_conn
        lb_retries 2
        lb_try_interval 25ms
        health_uri /
        health_interval 5s
        health_timeout 2s
        fail_duration 5s
        max_fails 5
        unhealthy_status 5xx
        transport http {{
            dial_timeout 3s
            response_header_timeout 30s
            keepalive 4s
        }}
    }}
}}
"""


class Caddy(Proxy):
    """Its passive checks count over a window, not in a row: five failures in 5 s."""

    name = "caddy"
    install = "apt-get install caddy"

    @override
    def command(self, setup: Setup) -> list[str]:
        servers = " ".join(f"127.0.0.1:{port}" for port in setup.servers)
        text = _CADDY.format(port=setup.port, servers=servers, folder=setup.folder)
        caddyfile = setup.folder / "Caddyfile"
        caddyfile.write_text(text, "utf-8")
        return [require("caddy"), "run", "--adapter", "caddyfile", "--config", str(caddyfile)]

    @override
    def environment(self, setup: Setup) -> Mapping[str, str]:
        # Caddy keeps state in the user's folders; ours has to go with the rest.
        folder = str(setup.folder)
        return {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}


PROXIES: Final[Sequence[Proxy]] = (TrioLB(), HAProxy(), Nginx(), Caddy())
