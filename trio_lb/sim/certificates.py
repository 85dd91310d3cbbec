"""Certificates of a simulation: what a balancer shows instead of its own, and who trusts it.

    pem/authority.pem           vouches for the others; simulated clients trust it and nobody else
    pem/first.pem, second.pem   good ones
    pem/named.pem               seven more pairs, for listeners with several certificates
    pem/expired.pem             its days are over

They were made once and are no secret, keys included. All are RSA: with another kind of key the
size of a signature is a matter of chance, and so the number of bytes on the wire. A balancer
reads its own from a file in memory, as it would from disk, and that file can be exchanged.

OpenSSL looks at dates by the real clock. So one whose days end in mid run is a good one that the
simulation has declared over: clients are told by us, and whoever reads its file finds one that is
over by any clock.
"""

import os
import ssl
import weakref
from collections.abc import Sequence
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

_PLACES: Final = 8
"""So many certificates of a listener are told apart; the ninth is again like the second."""
_SERIALS: Final = (("0B", "0C"), *((f"{n:02X}", f"{n + 1:02X}") for n in range(0x22, 0x30, 2)))
"""Of the two good ones of each place."""
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
    """What one balancer shows: a file for each place among a listener's certificates.

    ``spoilt`` is None, or one of ``SPOILT`` in place of the good ones. Whoever changes the files
    says so to the balancer: nothing is read before a reload.
    """

    def __init__(self) -> None:
        self._files = [MemoryFile("certificate.pem")]
        self._turn = 0
        self._spoilt: str | None = None
        self._over: dict[int, None] = {}  # Turns, of the two, whose days are over.
        self._write()

    @property
    def path(self) -> str:
        """Where the first certificate is, with its key."""
        return self._files[0].path

    @property
    def spoilt(self) -> str | None:
        """What is wrong with the files."""
        return self._spoilt

    @spoilt.setter
    def spoilt(self, spoilt: str | None) -> None:
        self._spoilt = spoilt
        self._write()

    def close(self) -> None:
        """Let go of the files: nobody reads them any more."""
        for file in self._files:
            file.close()

    def renew(self) -> None:
        """Put the other good ones in the place of those that are there."""
        self._turn = 1 - self._turn
        self._over.pop(self._turn, None)
        self._write()

    def expire(self) -> None:
        """Let the days of those that are there be over."""
        self._over[self._turn] = None
        self._write()

    @property
    def is_expired(self) -> bool:
        """Whether the days of those that are there are over."""
        return self._turn in self._over

    def is_over(self, shown: str) -> bool:
        """Whether the days of the one with this serial number are over."""
        return any(shown == pair[turn] for pair in _SERIALS for turn in self._over)

    def _write(self) -> None:
        for place, file in enumerate(self._files):
            file.write(self._text_at(place).encode())

    def _text_at(self, place: int) -> str:
        good = _good(place, self._turn)
        match "expired" if self.is_expired else self._spoilt:
            case "broken":
                return good[: len(good) // 4]
            case "expired":
                return _text("expired")
            case "alien":
                other = _good(0, 1 - self._turn)
                return good.partition(_KEY)[0] + _KEY + other.partition(_KEY)[2]
        return good

    def _file(self, place: int) -> MemoryFile:
        while len(self._files) <= place:
            self._files.append(MemoryFile("certificate.pem"))
            self._files[-1].write(self._text_at(len(self._files) - 1).encode())
        return self._files[place]

    def stand_in(self, tls: ListenerTls) -> ListenerTls:
        """Return a listener's settings with these certificates under the names of its own.

        No tickets: how many bytes one has is a matter of chance.
        """
        worn = [
            CertificateConfig(certificate=path, private_key=path, server_names=each.server_names)
            for place, each in enumerate(tls.all_certificates)
            for path in [self._file(_place_of(place)).path]
        ]
        return attrs.evolve(
            tls,
            certificate=None,
            private_key=None,
            certificates=tuple(worn),
            client_ca=None if tls.client_ca is None else AUTHORITY,
            session_tickets=False,
        )


def _place_of(number: int) -> int:
    return number if number < _PLACES else 1 + (number - 1) % (_PLACES - 1)


def is_meant_for(name: str, shown: str, names: Sequence[Sequence[str]]) -> bool:
    """Whether the certificate with this serial number may be shown to who asks for ``name``.

    ``names`` are those of the listener's certificates, in their order. Of one that has none there
    nobody here knows what stands in it: it may.
    """
    mine = [
        own for number, own in enumerate(names) if shown in _SERIALS[_place_of(number)]
    ]  # fmt: skip
    parent = name.partition(".")[2]
    wanted = (name, f"*.{parent}")
    return any(not own or any(each.lower() in wanted for each in own) for own in mine)


_KEY: Final = "-----BEGIN PRIVATE KEY-----"
_END: Final = "-----END CERTIFICATE-----\n"


def _good(place: int, turn: int) -> str:
    """Return a certificate with its key."""
    if not place:
        return _text(("first", "second")[turn])
    *certificates, key = _text("named").split(_END)
    return certificates[2 * (place - 1) + turn] + _END + key


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
def asking_context() -> ssl.SSLContext:
    """Return the TLS of clients that ask for a host by name: which one it is they judge themselves.

    All names of all configurations cannot stand in certificates that were made before.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(AUTHORITY)
    context.load_verify_locations(_FOLDER / "named.pem")  # They vouch for themselves.
    context.load_cert_chain(_FOLDER / "first.pem")
    return context


@cache
def server_context(*, expired: bool = False) -> ssl.SSLContext:
    """Return the TLS of simulated servers; ``expired``: of those whose certificate is over."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_FOLDER / ("expired.pem" if expired else "first.pem"))
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    return context
