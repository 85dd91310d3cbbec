"""trio_lb itself, as `trio-lb run` starts it: every feature on, at its defaults."""

import json
import sys

from typing_extensions import override

from benchmarks.certificate import Certificate
from benchmarks.peers.base import Peer, Setup
from trio_lb._version import __version__


class TrioLB(Peer):
    """Ours; the ratios in the table are of this one to each other."""

    name = "trio_lb"
    install = "pip install trio-lb"

    @override
    def is_present(self) -> bool:
        return True

    @override
    def version(self) -> str:
        return __version__

    @override
    def version_command(self) -> list[str]:
        return [sys.executable, "-m", "trio_lb", "--version"]

    @override
    def command(self, setup: Setup) -> list[str]:
        profiler = ["-m", "cProfile", "-o", str(setup.profile)] if setup.profile else []
        command = [sys.executable, *profiler, "-m", "trio_lb", "run", "--host", "127.0.0.1"]
        command += ["--port", str(setup.port), "--backends", *setup.servers]
        if setup.max_connections is not None:
            command += ["--max-connections", str(setup.max_connections)]
        if setup.certificate is not None:
            command += ["--set", f"listeners={_https_listener(setup.port, setup.certificate)}"]
        return command


def _https_listener(port: int, certificate: Certificate) -> str:
    ssl = {"certificate": str(certificate.chain), "private_key": str(certificate.key)}
    return json.dumps([{"protocol": "https", "bind": f"127.0.0.1:{port}", "ssl": ssl}])
