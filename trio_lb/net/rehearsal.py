"""A rehearsal: a certificate is proved by one handshake with ourselves, in memory.

It finds what a first client would find, before there is one: a key that belongs to
another certificate, dates that are over, a certificate not made for this use, a key too
short. And it is the one public way to learn what stands in a certificate: its names and
dates come from the peer's side of the handshake.
"""

import ssl
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

import attrs

from trio_lb.net.pem import Holds, PemError, first_certificate, read_pem
from trio_lb.net.tls_engine import TlsEngine
from trio_lb.net.tls_faults import TlsError, TlsFault

_NO_CHECK_TIME: Final = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, to which ssl gives no name."""

_MOST_ROUNDS: Final = 10

_KEY_FAULTS: Final = {
    "KEY_VALUES_MISMATCH": "the private key does not belong to the certificate",
    "KEY_TYPE_MISMATCH": "the private key does not belong to the certificate",
    # OpenSSL keeps a place for each kind of key, and that of this kind is empty.
    "NO_CERTIFICATE_ASSIGNED": "the private key does not belong to the certificate",
    "EE_KEY_TOO_SMALL": "the certificate's key is too short to be safe",
    "CA_KEY_TOO_SMALL": "the key of a certificate in its chain is too short to be safe",
    "CA_MD_TOO_WEAK": "a certificate in its chain is signed with a digest that is broken",
}


class Role(Enum):
    """Who shows the certificate."""

    SERVER = "server"
    CLIENT = "client"


@attrs.frozen(slots=True, kw_only=True)
class CertificateFacts:
    """What stands in a certificate. Instants are seconds since 1970-01-01 UTC."""

    path: str
    names: tuple[str, ...]
    not_before: float
    not_after: float


def rehearse(certificate: str, private_key: str, role: Role) -> CertificateFacts:
    """Show the certificate of these files to ourselves, as ``role`` would to a peer.

    Raises:
      PemError: it would not work; the text says why, and in which file.
    """
    text = read_pem(certificate, Holds.CERTIFICATES)
    read_pem(private_key, Holds.PRIVATE_KEY)
    own = first_certificate(text)
    try:
        seen = _perform(certificate, private_key, own, role, ssl.VERIFY_X509_PARTIAL_CHAIN)
    except TlsError as error:
        if error.kind is TlsFault.EXPIRED:
            flags = ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
            seen = _perform(certificate, private_key, own, role, flags)
            raise PemError(f"{certificate}: {_told_dates(seen)}") from error
        raise PemError(f"{certificate}: not fit for a {role.value}: {error}") from error
    return _facts(certificate, seen)


def _perform(
    certificate: str, private_key: str, own: str, role: Role, flags: ssl.VerifyFlags
) -> dict[str, Any]:
    """Return what the other side sees in the certificate, which is all that it trusts."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    load_chain(server, certificate, private_key)
    verifier = client
    if role is Role.CLIENT:
        # A server without a certificate can't shake hands: it borrows the client's.
        load_chain(client, certificate, private_key)
        verifier = server
    verifier.verify_mode = ssl.CERT_REQUIRED
    verifier.verify_flags |= flags
    _trust(verifier, certificate, own)
    ends = (TlsEngine(client, server_side=False), TlsEngine(server, server_side=True))
    _shake_all(*ends)
    return dict((ends[0] if verifier is client else ends[1]).session.getpeercert() or {})


def load_chain(context: ssl.SSLContext, certificate: str, private_key: str) -> None:
    """Load a certificate with its chain and key; nobody is ever asked for a passphrase.

    Raises:
      PemError: they can't be read, or don't fit each other.
    """
    try:
        context.load_cert_chain(certificate, private_key, password=b"")
    except ssl.SSLError as error:
        said = _KEY_FAULTS.get(error.reason or "", "damaged: it begins as PEM and is none")
        raise PemError(f"{certificate} with {private_key}: {said}") from error
    except OSError as error:
        raise PemError(f"{certificate}: cannot be read: {error.strerror}") from error


def _trust(context: ssl.SSLContext, certificate: str, own: str) -> None:
    try:
        context.load_verify_locations(cadata=own)
    except ssl.SSLError as error:
        raise PemError(f"{certificate}: its first certificate is damaged") from error


def _shake_all(client: TlsEngine, server: TlsEngine) -> None:
    """Carry the messages of both until both are done.

    Raises:
      TlsError: what the one who looks at the certificate found.
    """
    waiting = [client, server]
    for _ in range(_MOST_ROUNDS):
        waiting = [engine for engine in waiting if not engine.shake()]
        server.feed(client.ciphertext())
        client.feed(server.ciphertext())
        if not waiting:
            return
    raise TlsError(TlsFault.PROTOCOL, "the handshake does not come to its end")


def _told_dates(seen: dict[str, Any]) -> str:
    facts = _facts("", seen)
    begin, end = (_day(instant) for instant in (facts.not_before, facts.not_after))
    return f"not valid today, but from {begin} to {end}: renew it, or set the clock"


def _day(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _facts(path: str, seen: dict[str, Any]) -> CertificateFacts:
    return CertificateFacts(
        path=path,
        names=_names(seen),
        not_before=float(ssl.cert_time_to_seconds(seen["notBefore"])),
        not_after=float(ssl.cert_time_to_seconds(seen["notAfter"])),
    )


def _names(seen: dict[str, Any]) -> tuple[str, ...]:
    """The DNS names and addresses it is for; its common name if it has none (RFC 6125)."""
    names = [
        value for kind, value in seen.get("subjectAltName", ()) if kind in ("DNS", "IP Address")
    ]
    if not names:
        subject = [pair for group in seen.get("subject", ()) for pair in group]
        names = [value for kind, value in subject if kind == "commonName"]
    return tuple(name.lower() for name in names)
