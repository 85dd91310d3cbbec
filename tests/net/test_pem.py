"""What is wrong with a file is said in words, and nothing of its content is."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.net.identities import issued, write
from trio_lb.net.pem import Holds, PemError, first_certificate, read_pem


def refusal(path: Path, holds: Holds = Holds.CERTIFICATES) -> str:
    """Why a file is refused, behind its name."""
    with pytest.raises(PemError) as caught:
        read_pem(str(path), holds)
    name, _, why = str(caught.value).partition(": ")
    assert name == str(path)
    return why


def file(folder: Path, content: bytes) -> Path:
    path = folder / "some.pem"
    path.write_bytes(content)
    return path


def test_reads_a_chain_and_finds_the_first_certificate_in_it(tmp_path: Path) -> None:
    leaf = issued("a.test")
    text = read_pem(write(tmp_path, "a", leaf).certificate, Holds.CERTIFICATES)
    assert first_certificate(text) == leaf.cert_chain_pems[0].bytes().decode().strip()


def test_reads_a_certificate_and_its_key_out_of_one_file(tmp_path: Path) -> None:
    both = issued("a.test").private_key_and_cert_chain_pem.bytes()
    path = str(file(tmp_path, both))
    assert read_pem(path, Holds.CERTIFICATES) == read_pem(path, Holds.PRIVATE_KEY)


def test_no_certificate_has_no_first_one() -> None:
    assert first_certificate("nothing") == ""


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.pem") == "cannot be read: No such file or directory"
    assert refusal(tmp_path) == "cannot be read: Is a directory"


def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    assert "null" in refusal(tmp_path / "a\0b")


def test_what_is_no_pem_is_told_from_what_is_der(tmp_path: Path) -> None:
    assert refusal(file(tmp_path, b"hello\n")).startswith("no PEM file: no line")
    assert refusal(file(tmp_path, b"")).startswith("no PEM file: no line")
    assert "DER" in refusal(file(tmp_path, b"\x30\x82\x01\x0a"))


def test_a_file_of_another_kind_says_what_it_holds(tmp_path: Path) -> None:
    files = write(tmp_path, "a", issued("a.test"))
    why = refusal(Path(files.private_key))
    assert why in (
        "holds EC PRIVATE KEY, but no CERTIFICATE",
        "holds PRIVATE KEY, but no CERTIFICATE",
    )
    assert refusal(Path(files.certificate), Holds.PRIVATE_KEY) == (
        "holds CERTIFICATE, but no PRIVATE KEY"
    )


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_that_is_encrypted_is_refused_and_not_asked_for(
    tmp_path: Path, form: PrivateFormat
) -> None:
    key = load_pem_private_key(issued("a.test").private_key_pem.bytes(), None)
    encrypted = key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"secret"))
    why = refusal(file(tmp_path, encrypted), Holds.PRIVATE_KEY)
    assert why.startswith("the private key is encrypted")


def test_a_file_without_an_end_is_not_read_to_its_end() -> None:
    assert "larger than" in refusal(Path("/dev/zero"))


def test_no_refusal_quotes_what_the_file_holds(tmp_path: Path) -> None:
    secret = "c0ffee-is-a-secret"
    for content in (secret, f"-----BEGIN {secret}-----", f"-----BEGIN OLIVE-----\n{secret}"):
        assert secret not in refusal(file(tmp_path, content.encode()), Holds.PRIVATE_KEY)
