"""Is the proxy there, and does it do its work? Fast wrong answers are not a figure."""

import http.client
import ssl
import time
from typing import Final

from benchmarks.origin import BULK_BYTES, BULK_PATH, SINK_PATH, SMALL_BODY, SMALL_PATH
from benchmarks.program import Program, ProgramFailed

READY_WITHIN_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.002

_UNVERIFIED: Final = ssl.create_default_context()
_UNVERIFIED.check_hostname = False
_UNVERIFIED.verify_mode = ssl.CERT_NONE


def wait_until_ready(program: Program, port: int, *, tls: bool = False) -> None:
    """Poll until the first good answer comes through.

    Raises:
      ProgramFailed: the program ended, or no good answer came in time.
    """
    give_up_at = time.monotonic() + READY_WITHIN_SECONDS
    last = "no answer"
    while time.monotonic() < give_up_at:
        program.check()
        try:
            status, body = ask(port, "GET", SMALL_PATH, tls=tls)
        except ProgramFailed as error:
            last = str(error)
        else:
            if (status, body) == (200, SMALL_BODY):
                return
            last = f"status {status}"
        time.sleep(_POLL_SECONDS)
    raise ProgramFailed(f"{program.name} not ready after {READY_WITHIN_SECONDS:.0f} s: {last}")


def check_bulk(name: str, port: int) -> None:
    """Make sure that large bodies go through whole, both ways.

    The sink says how many bytes of the request it had read when it answered.

    Raises:
      ProgramFailed: they do not.
    """
    status, body = ask(port, "GET", BULK_PATH)
    if status != 200 or len(body) != BULK_BYTES:
        raise ProgramFailed(f"{name} sent {len(body)} of {BULK_BYTES} bytes, status {status}")
    status, body = ask(port, "POST", SINK_PATH, bytes(BULK_BYTES))
    if status != 200 or int(body) < BULK_BYTES:
        raise ProgramFailed(f"the origin behind {name} read {body[:40]!r} of {BULK_BYTES} bytes")


def ask(
    port: int, method: str, path: str, body: bytes | None = None, *, tls: bool = False
) -> tuple[int, bytes]:
    """One request on a connection of its own: the answer's status and body.

    Over TLS the certificate is not looked at: it is our own, and signed by nobody.

    Raises:
      ProgramFailed: no whole answer came.
    """
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=_UNVERIFIED)
        if tls
        else http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    )
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ProgramFailed(f"{method} {path}: {error!r}") from None
    finally:
        connection.close()
