"""TLS on both sides, as frozen values: paths and names, never keys themselves."""

import attrs

from trio_lb.config.choices import FLAG, TLS_VERSION
from trio_lb.config.kinds import File, Text
from trio_lb.config.knobs import ListOf, Section, knob, maybe

DNS_NAME = Text("a host name, or *.name", r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")

HOST = Text("a host name or an IP address", r"[A-Za-z0-9_.:-]{1,255}")
PATH_OR_EMPTY = File(pattern=r"[^\x00-\x1f\x7f]*")


@attrs.frozen(slots=True, kw_only=True)
class CertificateConfig:
    """A certificate and its key; its names are those inside it unless ``server_names`` says."""

    certificate: str = knob("", PATH_OR_EMPTY, "PEM file: the certificate, then its chain")
    private_key: str = knob("", PATH_OR_EMPTY, "PEM file of its key; empty: the same file")
    server_names: tuple[str, ...] = knob(
        (), ListOf(DNS_NAME), "names (SNI) that get this certificate; empty: those inside it"
    )


@attrs.frozen(slots=True, kw_only=True)
class ListenerTls:
    """TLS of a listener. One certificate may stand here directly."""

    certificate: str | None = knob(None, maybe(File()), "PEM file: the certificate, then its chain")
    private_key: str | None = knob(None, maybe(File()), "PEM file of its key; null: the same file")
    certificates: tuple[CertificateConfig, ...] = knob(
        (), ListOf(Section(CertificateConfig)), "several, chosen by name; the first is the default"
    )
    client_ca: str | None = knob(
        None, maybe(File()), "PEM file; clients must show a certificate that it vouches for"
    )
    min_version: str = knob(
        "1.2", TLS_VERSION, "the oldest version", source="nginx and HAProxy; RFC 8996"
    )
    session_tickets: bool = knob(
        True, FLAG, "whether clients that come again may shorten the handshake", source="nginx"
    )

    @property
    def all_certificates(self) -> tuple[CertificateConfig, ...]:
        """The one that stands here, if any, before the others."""
        if self.certificate is None:
            return self.certificates
        key = self.private_key or self.certificate
        own = CertificateConfig(certificate=self.certificate, private_key=key)
        return (own, *self.certificates)


@attrs.frozen(slots=True, kw_only=True)
class UpstreamTls:
    """TLS towards servers."""

    enabled: bool = knob(True, FLAG, "whether servers are spoken to over TLS")
    verify: bool = knob(True, FLAG, "whether their certificates must be good and bear their name")
    ca: str | None = knob(
        None, maybe(File()), "PEM file of who vouches for them; null: the system's"
    )
    server_name: str | None = knob(
        None, maybe(HOST), "the name to ask and look for; null: the server's host"
    )
    certificate: str | None = knob(None, maybe(File()), "PEM file that shows who we are")
    private_key: str | None = knob(None, maybe(File()), "its key; null: in the same file")
    min_version: str = knob("1.2", TLS_VERSION, "the oldest version")
