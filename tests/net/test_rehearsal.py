"""A certificate is proved before its first client comes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.net.identities import authority, issued, write
from trio_lb.net.certificates import Certificate
from trio_lb.net.pem import PemError
from trio_lb.net.rehearsal import CertificateFacts, Role, rehearse

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def self_signed(
    folder: Path,
    *,
    key: Key | None = None,
    uses: Sequence[x509.ObjectIdentifier] = (),
    until: datetime = datetime(2999, 1, 1, tzinfo=UTC),
) -> Certificate:
    """A certificate such as a command line makes: a common name, and hardly more."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old.Test")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2001, 1, 1, tzinfo=UTC))
        .not_valid_after(until)
    )
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    path = folder / "self.pem"
    encoded = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(encoded + key.private_bytes(*pem, serialization.NoEncryption()))
    return Certificate(str(path), str(path))


def facts_of(files: Certificate, role: Role = Role.SERVER) -> CertificateFacts:
    return rehearse(files.certificate, files.private_key, role)


def refusal(files: Certificate, role: Role = Role.SERVER) -> str:
    with pytest.raises(PemError) as caught:
        facts_of(files, role)
    return str(caught.value)


@pytest.mark.parametrize("role", Role)
def test_a_good_certificate_tells_its_names_and_dates(tmp_path: Path, role: Role) -> None:
    files = write(tmp_path, "a", issued("a.test", "*.b.test", "127.0.0.1", "::1"))
    facts = facts_of(files, role)
    assert facts.path == files.certificate
    assert facts.names == ("a.test", "*.b.test", "127.0.0.1", "0:0:0:0:0:0:0:1")
    assert facts.not_before == datetime(2000, 1, 1, tzinfo=UTC).timestamp()
    assert facts.not_after > datetime(2900, 1, 1, tzinfo=UTC).timestamp()


def test_a_certificate_without_other_names_has_its_common_name(tmp_path: Path) -> None:
    assert facts_of(self_signed(tmp_path)).names == ("old.test",)


def test_a_chain_with_an_authority_between_is_good(tmp_path: Path) -> None:
    leaf = authority().create_child_ca().issue_cert("deep.test")
    assert facts_of(write(tmp_path, "deep", leaf)).names == ("deep.test",)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    one, other = write(tmp_path, "a", issued("a.test")), write(tmp_path, "b", issued("b.test"))
    mixed = attrs.evolve(one, private_key=other.private_key)
    assert refusal(mixed) == (
        f"{one.certificate} with {other.private_key}:"
        " the private key does not belong to the certificate"
    )


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    one = write(tmp_path, "a", issued("a.test"))
    leaf = authority().issue_cert("rsa.test", key_type=trustme.KeyType.RSA)
    other = write(tmp_path, "rsa", leaf)
    assert "does not belong" in refusal(attrs.evolve(one, private_key=other.private_key))


def test_an_expired_certificate_is_refused_with_its_dates(tmp_path: Path) -> None:
    leaf = authority().issue_cert("a.test", not_after=datetime(2020, 5, 6, tzinfo=UTC))
    files = write(tmp_path, "a", leaf)
    assert refusal(files) == (
        f"{files.certificate}: not valid today, but from 2000-01-01 00:00 UTC"
        " to 2020-05-06 00:00 UTC: renew it, or set the clock"
    )


def test_a_certificate_of_tomorrow_is_refused_with_its_dates(tmp_path: Path) -> None:
    leaf = authority().issue_cert("a.test", not_before=datetime(2990, 1, 2, tzinfo=UTC))
    assert "from 2990-01-02" in refusal(write(tmp_path, "a", leaf))


def test_a_certificate_for_another_use_is_refused(tmp_path: Path) -> None:
    files = self_signed(tmp_path, uses=[ExtendedKeyUsageOID.CLIENT_AUTH])
    assert facts_of(files, Role.CLIENT).names == ("old.test",)
    assert "not fit for a server" in refusal(files, Role.SERVER)
    files = self_signed(tmp_path, uses=[ExtendedKeyUsageOID.SERVER_AUTH])
    assert "not fit for a client" in refusal(files, Role.CLIENT)


def test_a_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    files = self_signed(tmp_path, key=rsa.generate_private_key(65537, 1024))
    assert "too short" in refusal(files)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    files = write(tmp_path, "a", issued("a.test"))
    whole = Path(files.certificate).read_text()
    Path(files.certificate).write_text(whole.replace("M", "N", 5))
    assert "damaged" in refusal(files)
    files = write(tmp_path, "b", issued("a.test"))
    Path(files.private_key).write_text(
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
    )
    assert "damaged" in refusal(files)


def test_no_refusal_holds_a_line_of_the_key(tmp_path: Path) -> None:
    one, other = write(tmp_path, "a", issued("a.test")), write(tmp_path, "b", issued("b.test"))
    said = refusal(attrs.evolve(one, private_key=other.private_key))
    lines = Path(other.private_key).read_text().splitlines()[1:-1]
    assert not any(line in said for line in lines)
