"""Who we are and whom we trust: TLS settings of listeners and of connections to servers.

Both are made from files, and made anew by ``reload``: either all of the new files are
good and every handshake from then on uses them, or a ``ConfigError`` says what is wrong
and the old ones stay in force. Handshakes that have begun end as they began.

The ciphers are Mozilla's intermediate list without its finite-field ones, which no client
of the last ten years needs. Session tickets are on unless they are not wanted, with keys that
OpenSSL draws for each set of settings: a reload renews them.
"""

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

import attrs

from trio_lb.model.errors import ConfigError, Problem
from trio_lb.net.pem import Holds, PemError, read_pem
from trio_lb.net.rehearsal import CertificateFacts, Role, load_chain, rehearse
from trio_lb.net.tls_engine import Session, TlsEngine
from trio_lb.net.tls_faults import TlsError, TlsFault

_CIPHERS: Final = ":".join(
    f"ECDHE-{signature}-{cipher}"
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for signature in ("ECDSA", "RSA")
)
"""For TLS 1.2; the five of TLS 1.3 are all good."""

_VERSIONS: Final[Mapping[str, ssl.TLSVersion]] = {
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_ALPN: Final = ("http/1.1",)

_T = TypeVar("_T")


class CertificateFiles(Protocol):
    """Where a certificate is, and for which names; ``config.encryption.CertificateConfig`` is one.

    An empty ``private_key``: in the same file. No ``server_names``: those in the certificate.
    """

    @property
    def certificate(self) -> str:
        """PEM file: the server's own certificate first, then its chain."""
        ...

    @property
    def private_key(self) -> str:
        """PEM file."""
        ...

    @property
    def server_names(self) -> Sequence[str]:
        """``a.example`` or ``*.example``, which stands for one label."""
        ...


@attrs.frozen(slots=True)
class Certificate:
    """Files of a certificate, for who has no configuration."""

    certificate: str
    private_key: str = ""
    server_names: Sequence[str] = ()


@attrs.frozen(slots=True)
class _Shown:
    """A certificate that is ready to be shown, and the names that get it."""

    context: ssl.SSLContext
    facts: CertificateFacts
    names: tuple[str, ...]


class _Book:
    """Certificates by name: exact, then ``*`` for the first label, then the first of all."""

    def __init__(self, shown: Sequence[_Shown]) -> None:
        self.shown = shown
        self.front = shown[0].context
        self._by_name: dict[str, ssl.SSLContext] = {}
        for each in shown:
            for name in each.names:
                self._by_name.setdefault(name, each.context)
        self.front.sslobject_class = Session
        self.front.sni_callback = self._choose

    def find(self, name: str) -> ssl.SSLContext:
        name = name.lower().rstrip(".")
        parent = name.partition(".")[2]
        return self._by_name.get(name) or self._by_name.get(f"*.{parent}") or self.front

    def _choose(self, session: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Answer OpenSSL, in the midst of a handshake; who asks for no name gets the first."""
        if isinstance(session, Session):
            session.asked_name = name
        if name is not None and (chosen := self.find(name)) is not context:
            session.context = chosen


class ServerTls:
    """TLS of a listener. ``TlsStream.accept`` asks it for each connection's engine."""

    def __init__(self, load: Callable[[], _Book]) -> None:
        self._load = load
        self._book = load()

    def reload(self) -> None:
        """Read all files again; handshakes from now on use them.

        Raises:
          ConfigError: something is wrong with them; what was in force stays in force.
        """
        self._book = self._load()

    def become(self, other: "ServerTls") -> None:
        """Show what ``other`` shows, from the next handshake on, wherever this one is in use."""
        self._load, self._book = other._load, other._book

    @property
    def certificates(self) -> tuple[CertificateFacts, ...]:
        """What is in force: names and dates, for the overview and for warnings in time."""
        return tuple(each.facts for each in self._book.shown)

    def engine(self) -> TlsEngine:
        """Return the engine of a new connection."""
        return TlsEngine(self._book.front, server_side=True)


class ClientTls:
    """TLS towards servers. ``TlsStream.connect`` asks it for each connection's engine."""

    def __init__(self, load: Callable[[], ssl.SSLContext]) -> None:
        self._load = load
        self._context = load()

    def reload(self) -> None:
        """Read all files again; handshakes from now on use them.

        Raises:
          ConfigError: something is wrong with them; what was in force stays in force.
        """
        self._context = self._load()

    def engine(self, server_name: str | None) -> TlsEngine:
        """Return the engine of a new connection to a server of that name or IP address.

        Raises:
          TlsError: it can be no name of a server.
        """
        try:
            return TlsEngine(self._context, server_side=False, server_name=_host(server_name))
        except ValueError as error:  # UnicodeError, too: a label too long.
            said = f"{server_name!r} can be no server's name: {error}"
            raise TlsError(TlsFault.UNKNOWN_NAME, said) from error


def _host(server_name: str | None) -> str | None:
    return None if server_name is None else server_name.rstrip(".").partition("%")[0]


def server_context(
    certificates: Sequence[CertificateFiles],
    client_ca: str | None = None,
    min_version: str = "1.2",
    *,
    session_tickets: bool = True,
) -> ServerTls:
    """Make the TLS of a listener. With ``client_ca`` clients must show a certificate it vouches for.

    Without ``session_tickets`` each handshake is a whole one.

    Raises:
      ConfigError: all that is wrong, each problem with the setting and the file it is in.
    """
    version = _version(min_version)
    if not certificates:
        raise ConfigError([Problem("certificates", "there is none, and TLS needs one")])
    files = tuple(certificates)
    return ServerTls(lambda: _load_book(files, client_ca, version, session_tickets))


def _load_book(
    files: Sequence[CertificateFiles],
    client_ca: str | None,
    version: ssl.TLSVersion,
    session_tickets: bool,
) -> _Book:
    problems: list[Problem] = []
    shown = [
        _try(f"certificates[{index}]", problems, partial(_show, each, version))
        for index, each in enumerate(files)
    ]
    good = [each for each in shown if each is not None]
    if client_ca is not None:
        contexts = [each.context for each in good]
        _try("client_ca", problems, lambda: _require_certificates(contexts, client_ca))
    if problems:
        raise ConfigError(problems)
    if not session_tickets:
        _issue_none(each.context for each in good)
    return _Book(good)


def _issue_none(contexts: Iterable[ssl.SSLContext]) -> None:
    """Issue no tickets: TLS 1.3 counts them, TLS 1.2 has them or not."""
    for context in contexts:
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET


def _try(path: str, problems: list[Problem], make: Callable[[], _T]) -> _T | None:
    try:
        return make()
    except PemError as error:
        problems.append(Problem(path, str(error)))
        return None


def _show(files: CertificateFiles, version: ssl.TLSVersion) -> _Shown:
    private_key = files.private_key or files.certificate
    facts = rehearse(files.certificate, private_key, Role.SERVER)
    context = _context(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), version)
    load_chain(context, files.certificate, private_key)
    names = files.server_names or facts.names
    return _Shown(context, facts, tuple(_ascii(name) for name in names))


def _ascii(name: str) -> str:
    """A name as it comes over the wire: lower case, and other scripts in their ASCII form."""
    name = name.lower().rstrip(".")
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise PemError(f"{name!r} can be no server's name: {error}") from error


def _require_certificates(contexts: Iterable[ssl.SSLContext], client_ca: str) -> None:
    text = read_pem(client_ca, Holds.CERTIFICATES)
    for context in contexts:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, client_ca, text)


def _trust(context: ssl.SSLContext, path: str, text: str) -> None:
    """Trust each certificate of the file for itself, be it a root or not."""
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise PemError(f"{path}: a certificate in it is damaged") from error
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def client_context(
    *,
    verify: bool = True,
    ca: str | None = None,
    certificate: str | None = None,
    private_key: str | None = None,
    min_version: str = "1.2",
) -> ClientTls:
    """Make the TLS towards servers. Without ``ca`` the system says whom to trust.

    With ``certificate`` we show it to servers that ask; ``private_key`` None is in the
    same file. ``verify`` False takes any certificate for any name: encrypted, to whomever.

    Raises:
      ConfigError: all that is wrong, each problem with the setting and the file it is in.
    """
    version = _version(min_version)
    own = None if certificate is None else (certificate, private_key or certificate)
    return ClientTls(lambda: _load_client(verify, ca, own, version))


def _load_client(
    verify: bool, ca: str | None, own: tuple[str, str] | None, version: ssl.TLSVersion
) -> ssl.SSLContext:
    problems: list[Problem] = []
    context = _context(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), version)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if ca is not None:
        _try("ca", problems, lambda: _trust(context, ca, read_pem(ca, Holds.CERTIFICATES)))
    if own is not None:
        _try("certificate", problems, lambda: _carry(context, own))
    if problems:
        raise ConfigError(problems)
    return context


def _carry(context: ssl.SSLContext, own: tuple[str, str]) -> None:
    rehearse(*own, Role.CLIENT)
    load_chain(context, *own)


def _context(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Set what servers and clients have in common."""
    context.sslobject_class = Session
    context.minimum_version = version
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(_ALPN)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    return context


def _version(min_version: str) -> ssl.TLSVersion:
    if min_version not in _VERSIONS:
        allowed = " or ".join(repr(each) for each in _VERSIONS)
        raise ConfigError([Problem("min_version", f"{min_version!r} is not {allowed}")])
    return _VERSIONS[min_version]
