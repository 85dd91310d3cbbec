"""Our proxy as a process that speaks TLS, with certificates that a test may replace."""

import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio
import trustme

from benchmarks import machine
from benchmarks.ledger.fleet import wait_until
from benchmarks.machine import free_port
from benchmarks.program import open_program
from tests.net.identities import issued, write, write_ca
from tests.real.house import Curled, RunningProxy, cores, curl, wait_accepting

_CONFIGURATION: Final = """
load_balancer:
  listeners:
    - protocol: https
      bind: "127.0.0.1:{port}"
      ssl:
        certificates: [{certificates}]
  servers: ["{server}"]
"""


@attrs.frozen
class TlsProxy:
    """The proxy, and where its certificates lie: one for each name, ``a`` for a.test."""

    proxy: RunningProxy
    folder: Path
    ca: str

    def replace(self, stem: str, leaf: trustme.LeafCert) -> None:
        """Put another certificate into the files of ``stem``, each file at once whole."""
        fresh = self.folder / "fresh"
        fresh.mkdir(exist_ok=True)
        write(fresh, stem, leaf)
        for suffix in ("key", "pem"):
            (fresh / f"{stem}.{suffix}").replace(self.folder / f"{stem}.{suffix}")

    async def reload(self, *, told: str = "were read again") -> None:
        """SIGHUP; wait until the log has told once more what came of it."""
        before = self.proxy.output().count(told)
        os.kill(self.proxy.program.process.pid, signal.SIGHUP)
        await wait_until(
            lambda: self.proxy.output().count(told) > before, "the reload is told", seconds=5.0
        )

    async def ask(self, name: str, *options: str, path: str = "/") -> Curled:
        """Let curl ask for ``name``, whose certificate it checks against our authority."""
        return await curl(
            *("--cacert", self.ca, "--resolve", f"{name}:{self.proxy.port}:127.0.0.1"),
            *options,
            f"https://{name}:{self.proxy.port}{path}",
        )

    async def shown(self, name: str) -> bytes:
        """The certificate that openssl is shown for ``name``, as PEM."""
        asked = ["-connect", f"127.0.0.1:{self.proxy.port}", "-servername", name]
        ran = await trio.run_process(
            ["openssl", "s_client", *asked, "-CAfile", self.ca, "-verify_return_error"],
            stdin=b"",
            capture_stdout=True,
            capture_stderr=True,
        )
        text = ran.stdout
        end = b"-----END CERTIFICATE-----\n"
        begin = text.index(b"-----BEGIN CERTIFICATE-----")
        return text[begin : text.index(end, begin) + len(end)]


@contextlib.asynccontextmanager
async def open_tls_proxy(
    folder: Path, server: str, stems: Sequence[str]
) -> AsyncIterator[TlsProxy]:
    """Our proxy, with a certificate for ``a.test`` in a.pem and a.key for the stem ``a``."""
    machine.raise_file_limit()
    port, path = free_port(), folder / "lb.yaml"
    made = [write(folder, stem, issued(f"{stem}.test")) for stem in stems]
    listed = (f"{{certificate: {c.certificate}, private_key: {c.private_key}}}" for c in made)
    path.write_text(_CONFIGURATION.format(port=port, certificates=", ".join(listed), server=server))
    command = [sys.executable, "-m", "trio_lb", "run", str(path)]
    with open_program("trio_lb", command, core=cores().proxy, folder=folder) as program:
        await wait_accepting(program, port)
        yield TlsProxy(RunningProxy(port, program), folder, write_ca(folder))
