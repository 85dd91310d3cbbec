"""How TLS fails: one exception, and a short code for each thing that peers get wrong.

The codes are for counters and throttled logs: there are few of them, and they don't
change with OpenSSL's. Its own words are kept in the message, which never holds bytes
that were exchanged, nor anything of a key.
"""

import re
import ssl
from collections.abc import Mapping
from enum import Enum
from typing import Final

from trio_lb.net.env import ConnectError


class TlsFault(Enum):
    """What went wrong."""

    HTTP_REQUEST = "http_request"
    """Plain HTTP came to a port that speaks TLS. Nothing was sent: it may be answered."""
    NOT_TLS = "not_tls"
    VERSION = "version"
    """No version of TLS that both allow."""
    CIPHER = "cipher"
    """No cipher, curve or kind of signature that both allow."""
    NO_CERTIFICATE = "no_certificate"
    """A certificate was asked for, and none was shown."""
    UNKNOWN_CA = "unknown_ca"
    EXPIRED = "expired"
    """Or not yet valid: either a clock is wrong, or somebody forgot to renew."""
    WRONG_NAME = "wrong_name"
    """The certificate is good, and somebody else's."""
    UNKNOWN_NAME = "unknown_name"
    """The name that was asked for (SNI) is not served, or is no name."""
    BAD_CERTIFICATE = "bad_certificate"
    RENEGOTIATION = "renegotiation"
    REFUSED = "refused"
    """The peer gave no better reason than 'handshake failure': no common cipher, or it wanted
    a certificate under TLS 1.2."""
    CUT = "cut"
    """The connection ended or broke before it was TLS."""
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    """Everything else: it spoke TLS, and badly."""


class TlsError(ConnectError):
    """TLS could not be spoken with a peer. The stream below is still its owner's to close.

    ``kind`` is what went wrong. ``by_peer`` says who found it: true if the peer told us
    in an alert (*it* does not know *our* CA), false if we did.
    """

    def __init__(self, kind: TlsFault, message: str, *, by_peer: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.by_peer = by_peer

    def again(self) -> "TlsError":
        """Return the same error without where it was raised, which would keep frames alive."""
        return TlsError(self.kind, self.message, by_peer=self.by_peer)


_FOUND: Final[Mapping[str, TlsFault]] = {
    "HTTP_REQUEST": TlsFault.HTTP_REQUEST,
    "HTTPS_PROXY_REQUEST": TlsFault.HTTP_REQUEST,
    # A first record that has no version of TLS in it: no TLS at all.
    "WRONG_VERSION_NUMBER": TlsFault.NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": TlsFault.NOT_TLS,
    "RECORD_LAYER_FAILURE": TlsFault.NOT_TLS,
    "UNSUPPORTED_PROTOCOL": TlsFault.VERSION,
    "VERSION_TOO_LOW": TlsFault.VERSION,
    "NO_PROTOCOLS_AVAILABLE": TlsFault.VERSION,
    "INAPPROPRIATE_FALLBACK": TlsFault.VERSION,
    "NO_SHARED_CIPHER": TlsFault.CIPHER,
    "NO_SUITABLE_SIGNATURE_ALGORITHM": TlsFault.CIPHER,
    "NO_SUITABLE_KEY_SHARE": TlsFault.CIPHER,
    "NO_SUITABLE_GROUPS": TlsFault.CIPHER,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": TlsFault.NO_CERTIFICATE,
    "INVALID_SERVERNAME": TlsFault.UNKNOWN_NAME,
    "CERTIFICATE_VERIFY_FAILED": TlsFault.BAD_CERTIFICATE,
    "NO_RENEGOTIATION": TlsFault.RENEGOTIATION,
}
"""OpenSSL's reasons for what it found itself."""

_ALERTED: Final[Mapping[str, TlsFault]] = {
    "PROTOCOL_VERSION": TlsFault.VERSION,
    "INAPPROPRIATE_FALLBACK": TlsFault.VERSION,
    "INSUFFICIENT_SECURITY": TlsFault.CIPHER,
    "HANDSHAKE_FAILURE": TlsFault.REFUSED,
    "CERTIFICATE_REQUIRED": TlsFault.NO_CERTIFICATE,
    "NO_CERTIFICATE": TlsFault.NO_CERTIFICATE,
    "UNKNOWN_CA": TlsFault.UNKNOWN_CA,
    "CERTIFICATE_EXPIRED": TlsFault.EXPIRED,
    "UNRECOGNIZED_NAME": TlsFault.UNKNOWN_NAME,
    "BAD_CERTIFICATE": TlsFault.BAD_CERTIFICATE,
    "CERTIFICATE_UNKNOWN": TlsFault.BAD_CERTIFICATE,
    "CERTIFICATE_REVOKED": TlsFault.BAD_CERTIFICATE,
    "UNSUPPORTED_CERTIFICATE": TlsFault.BAD_CERTIFICATE,
    "ACCESS_DENIED": TlsFault.BAD_CERTIFICATE,
    "NO_RENEGOTIATION": TlsFault.RENEGOTIATION,
}
"""The peer's alerts, as OpenSSL names them behind a prefix (RFC 8446, section 6.2)."""

_ALERT: Final = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?([A-Z_]+)")

_VERIFY_FAULTS: Final[Mapping[int, TlsFault]] = {
    2: TlsFault.UNKNOWN_CA,
    9: TlsFault.EXPIRED,
    10: TlsFault.EXPIRED,
    18: TlsFault.UNKNOWN_CA,
    19: TlsFault.UNKNOWN_CA,
    20: TlsFault.UNKNOWN_CA,
    21: TlsFault.UNKNOWN_CA,
    27: TlsFault.UNKNOWN_CA,
    62: TlsFault.WRONG_NAME,
    64: TlsFault.WRONG_NAME,
}
"""OpenSSL's X509_V_ERR numbers: who vouches for it, its dates, its names."""


def tls_error(error: ssl.SSLError) -> TlsError:
    """Say what OpenSSL found, in our words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = _VERIFY_FAULTS.get(error.verify_code, TlsFault.BAD_CERTIFICATE)
        said = error.verify_message.rstrip(".")
        return TlsError(kind, f"the peer's certificate was refused: {said}")
    reason = error.reason or type(error).__name__
    if alert := _ALERT.fullmatch(reason):
        kind = _ALERTED.get(alert[1], TlsFault.PROTOCOL)
        return TlsError(kind, f"the peer refused with the alert '{_plain(alert[1])}'", by_peer=True)
    return TlsError(_FOUND.get(reason, TlsFault.PROTOCOL), _plain(reason))


def _plain(reason: str) -> str:
    return reason.lower().replace("_", " ")
