"""A certificate for the rows over TLS: made anew for each run, gone with the run's folder."""

import subprocess
from pathlib import Path
from typing import Final

import attrs

from benchmarks.program import ProgramFailed, require

_DAYS: Final = 2


@attrs.frozen(slots=True)
class Certificate:
    """Its PEM file, that of its key, and both in one (as HAProxy wants them)."""

    chain: Path
    key: Path
    both: Path


def make_certificate(folder: Path) -> Certificate:
    """Make a self-signed one for 127.0.0.1, with a key on the curve P-256.

    Everybody gets the same one: the kind of key decides most of what a handshake costs.

    Raises:
      ProgramFailed: openssl is absent, or made none.
    """
    made = Certificate(folder / "cert.pem", folder / "key.pem", folder / "both.pem")
    ran = subprocess.run(
        [
            *(require("openssl"), "req", "-x509", "-nodes", "-days", str(_DAYS)),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(made.key), "-out", str(made.chain)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
    )
    if ran.returncode:
        raise ProgramFailed(f"openssl made no certificate: {ran.stderr.strip()[-200:]}")
    made.both.write_bytes(made.chain.read_bytes() + made.key.read_bytes())
    return made
