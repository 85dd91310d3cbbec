"""Reading PEM files so that what is wrong with one is said in words, never in its content."""

import re
from enum import Enum
from pathlib import Path
from typing import Final

_LARGEST_FILE: Final = 4 * 1024 * 1024
"""The system's whole book of authorities is a quarter of a megabyte."""

_LABEL: Final = re.compile(r"^-----BEGIN ([A-Z0-9 ]{1,40})-----", re.MULTILINE)
_CERTIFICATE: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL
)
_DER_SEQUENCE: Final = 0x30


class PemError(ValueError):
    """A file is not what it should be; the text names it, and fits behind a configuration path."""


class Holds(Enum):
    """What a file has to hold, with what else it may hold beside."""

    CERTIFICATES = "CERTIFICATE"
    PRIVATE_KEY = "PRIVATE KEY"


def read_pem(path: str, holds: Holds) -> str:
    """Return the text of a PEM file that has at least one block of what it should hold.

    Raises:
      PemError: unreadable, no PEM, of another kind, or a key that is encrypted.
    """
    text = _read(path)
    labels = _LABEL.findall(text)
    if not labels:
        raise PemError(f"{path}: no PEM file: no line in it begins with '-----BEGIN'")
    if holds is Holds.PRIVATE_KEY and _is_encrypted(text, labels):
        raise PemError(
            f"{path}: the private key is encrypted, and nobody is there to be asked for the"
            " passphrase: decrypt it (openssl pkey) and guard it by its permissions"
        )
    if not any(label.endswith(holds.value) for label in labels):
        found = ", ".join(sorted(set(labels)))
        raise PemError(f"{path}: holds {found}, but no {holds.value}")
    return text


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise PemError(f"{path}: cannot be read: {said or error}") from error
    if len(data) > _LARGEST_FILE:
        raise PemError(f"{path}: larger than {_LARGEST_FILE} bytes, so it is no PEM file")
    if data[:1] == bytes([_DER_SEQUENCE]):
        raise PemError(f"{path}: no PEM file, it looks like DER: convert it with openssl")
    return data.decode("latin-1")  # PEM is ASCII; what stands between the blocks is anybody's.


def _is_encrypted(text: str, labels: list[str]) -> bool:
    return "ENCRYPTED PRIVATE KEY" in labels or "Proc-Type: 4,ENCRYPTED" in text


def first_certificate(text: str) -> str:
    """Return the first certificate's block: the one that a server shows as its own."""
    found = _CERTIFICATE.search(text)
    return found.group() if found else ""
