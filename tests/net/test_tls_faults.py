"""OpenSSL's reasons become few codes and plain words, and no reason is lost."""

import ssl

import pytest

from trio_lb.net.env import ConnectError
from trio_lb.net.tls_faults import TlsError, TlsFault, tls_error


def found(reason: str | None) -> TlsError:
    """What we make of an error of OpenSSL with that reason."""
    error = ssl.SSLError(1, "words of a certain version")
    error.reason = reason  # type: ignore[assignment] # It may be None, whatever typeshed says.
    return tls_error(error)


@pytest.mark.parametrize(
    ("reason", "kind", "words"),
    [
        ("HTTP_REQUEST", TlsFault.HTTP_REQUEST, "http request"),
        ("WRONG_VERSION_NUMBER", TlsFault.NOT_TLS, "wrong version number"),
        ("UNSUPPORTED_PROTOCOL", TlsFault.VERSION, "unsupported protocol"),
        ("NO_SHARED_CIPHER", TlsFault.CIPHER, "no shared cipher"),
        ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", TlsFault.PROTOCOL, "bad record mac"),
    ],
)
def test_what_we_found_has_a_code(reason: str, kind: TlsFault, words: str) -> None:
    error = found(reason)
    assert (error.kind, error.by_peer) == (kind, False)
    assert words in str(error)


@pytest.mark.parametrize(
    ("reason", "kind", "words"),
    [
        ("TLSV1_ALERT_UNKNOWN_CA", TlsFault.UNKNOWN_CA, "unknown ca"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", TlsFault.BAD_CERTIFICATE, "bad certificate"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", TlsFault.NO_CERTIFICATE, "certificate required"),
        ("TLSV1_UNRECOGNIZED_NAME", TlsFault.UNKNOWN_NAME, "unrecognized name"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", TlsFault.REFUSED, "handshake failure"),
        ("TLSV1_ALERT_INTERNAL_ERROR", TlsFault.PROTOCOL, "internal error"),
    ],
)
def test_what_the_peer_told_us_has_a_code_too(reason: str, kind: TlsFault, words: str) -> None:
    error = found(reason)
    assert (error.kind, error.by_peer) == (kind, True)
    assert str(error) == f"the peer refused with the alert '{words}'"


def test_a_reason_without_a_name_is_told_by_its_kind() -> None:
    assert str(found(None)) == "sslerror"


@pytest.mark.parametrize(
    ("code", "kind"),
    [(10, TlsFault.EXPIRED), (18, TlsFault.UNKNOWN_CA), (62, TlsFault.WRONG_NAME)],
)
def test_a_certificate_that_was_refused_says_why(code: int, kind: TlsFault) -> None:
    refused = ssl.SSLCertVerificationError(1, "words")
    refused.verify_code, refused.verify_message = code, "what is wrong with it."
    error = tls_error(refused)
    assert error.kind is kind
    assert str(error) == "the peer's certificate was refused: what is wrong with it"


def test_it_is_a_connection_that_could_not_be_made() -> None:
    error = TlsError(TlsFault.VERSION, "too old", by_peer=True)
    assert isinstance(error, ConnectError)
    assert not error.refused
    again = error.again()
    assert (again.kind, again.by_peer, str(again)) == (TlsFault.VERSION, True, "too old")


def test_the_codes_are_short_and_unlike() -> None:
    codes = [fault.value for fault in TlsFault]
    assert len(set(codes)) == len(codes)
    assert all(code.isidentifier() and len(code) < 16 for code in codes)
