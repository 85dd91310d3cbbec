"""A certificate for the demo's HTTPS listener, made on the spot by openssl if that is there."""

import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import attrs
import trio

PATIENCE_SECONDS: Final = 5.0
DAYS: Final = 2


@attrs.frozen(slots=True)
class Files:
    """PEM files of a certificate and its key."""

    certificate: Path
    private_key: Path


Certify = Callable[[], Awaitable[Files | None]]
"""Makes a certificate for this machine's own name; None where none can be made."""


async def no_certificate() -> None:
    """Make none: the demo is plain HTTP then."""


async def self_signed(folder: Path, program: str = "openssl") -> Files | None:
    """Make one in ``folder``, good for DAYS days; None if openssl is absent, old or stuck."""
    path = shutil.which(program)
    if path is None:
        return None
    files = Files(folder / "demo.pem", folder / "demo.key")
    with trio.move_on_after(PATIENCE_SECONDS):
        done = await trio.run_process(
            [path, *_options(files)],
            check=False,
            capture_stdout=True,
            capture_stderr=True,
            stdin=subprocess.DEVNULL,
        )
        return files if done.returncode == 0 else None
    return None


def _options(files: Files) -> list[str]:
    return [
        *("req", "-x509", "-nodes", "-days", str(DAYS), "-subj", "/CN=localhost"),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-keyout", str(files.private_key), "-out", str(files.certificate)),
    ]
