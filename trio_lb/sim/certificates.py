"""Certificates of a simulation: what a balancer shows instead of its own, and who trusts it.

    pem/authority.pem           vouches for the others; simulated clients trust it and nobody else
    pem/first.pem, second.pem   good ones
    pem/expired.pem             its days are over

They were made once and are no secret, keys included. All are RSA: with another kind of key the
size of a signature is a matter of chance, and so the number of bytes on the wire. A balancer
reads its own from a file in memory, as it would from disk, and that file can be exchanged.
"""

import os
import ssl
import weakref
from functools import cache
from pathlib import Path
from typing import Final

import attrs

from trio_lb.config.encryption import CertificateConfig, ListenerTls, UpstreamTls
from trio_lb.model.errors import ConfigError

_FOLDER: Final = Path(__file__).parent / "pem"

AUTHORITY: Final = str(_FOLDER / "authority.pem")
NAME: Final = "simulated.example"
"""The name in all of them."""

_GOOD: Final = ("first", "second")
SPOILT: Final = ("broken", "expired", "alien")
"""What a file may hold that can't be used: half a certificate, one whose days are over, one whose
key is another's."""


class MemoryFile:
    """A file that has a path, and is nowhere. It is gone when nobody refers to it any more.

    ``close`` ends it before that.
    """

    def __init__(self, name: str) -> None:
        if not hasattr(os, "memfd_create"):
            raise ConfigError("certificates of a simulation live in memory, as only Linux has it")
        self._name = name
        self._descriptor = os.memfd_create(name)
        self._process = os.getpid()
        self.close = weakref.finalize(self, os.close, self._descriptor)

    @property
    def path(self) -> str:
        """Where to open it, in this process."""
        return f"/proc/self/fd/{self._descriptor}"

    def write(self, data: bytes) -> None:
        """Let it hold this and nothing else; processes that were forked off before do not see it."""
        if os.getpid() != self._process:
            own = os.memfd_create(self._name)
            os.dup2(own, self._descriptor, inheritable=False)
            os.close(own)
            self._process = os.getpid()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)


class Certificates:
    """What one balancer shows on all of its listeners.

    ``spoilt`` is None, or one of ``SPOILT`` in place of the good one. Whoever changes the file
    says so to the balancer: nothing is read before a reload.
    """

    def __init__(self) -> None:
        self._file = MemoryFile("certificate.pem")
        self._turn = 0
        self._spoilt: str | None = None
        self._write()

    @property
    def path(self) -> str:
        """Where certificate and key are."""
        return self._file.path

    @property
    def spoilt(self) -> str | None:
        """What is wrong with the file."""
        return self._spoilt

    @spoilt.setter
    def spoilt(self, spoilt: str | None) -> None:
        self._spoilt = spoilt
        self._write()

    def close(self) -> None:
        """Let go of the file: nobody reads it any more."""
        self._file.close()

    def renew(self) -> None:
        """Put the other good one in the place of the one that is there."""
        self._turn += 1
        self._write()

    def _write(self) -> None:
        good = _text(_GOOD[self._turn % len(_GOOD)])
        match self._spoilt:
            case "broken":
                good = good[: len(good) // 4]
            case "expired":
                good = _text("expired")
            case "alien":
                other = _text(_GOOD[(self._turn + 1) % len(_GOOD)])
                good = good.partition(_KEY)[0] + _KEY + other.partition(_KEY)[2]
        self._file.write(good.encode())

    def stand_in(self, tls: ListenerTls) -> ListenerTls:
        """Return a listener's settings with this certificate under all of its names.

        No tickets: how many bytes one has is a matter of chance.
        """
        worn = [
            CertificateConfig(
                certificate=self.path, private_key=self.path, server_names=each.server_names
            )
            for each in tls.all_certificates
        ]
        return attrs.evolve(
            tls,
            certificate=None,
            private_key=None,
            certificates=tuple(worn),
            client_ca=None if tls.client_ca is None else AUTHORITY,
            session_tickets=False,
        )


_KEY: Final = "-----BEGIN PRIVATE KEY-----"


@cache
def _text(name: str) -> str:
    return (_FOLDER / f"{name}.pem").read_text("ascii")


def towards_servers(tls: UpstreamTls) -> UpstreamTls:
    """Return settings towards servers that simulated ones satisfy."""
    return attrs.evolve(tls, ca=AUTHORITY, server_name=NAME, certificate=None, private_key=None)


@cache
def client_context() -> ssl.SSLContext:
    """Return the TLS of simulated clients: they look at the authority, and show a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(AUTHORITY)
    context.load_cert_chain(_FOLDER / "first.pem")
    return context


@cache
def server_context() -> ssl.SSLContext:
    """Return the TLS of simulated servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_FOLDER / "first.pem")
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    return context
