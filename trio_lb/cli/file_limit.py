"""The process's limit on file descriptors, compared with what a configuration may need."""

import contextlib
import resource
from typing import Final, Protocol

DESCRIPTORS_A_CONNECTION: Final = 2
"""One to the client, one to the server."""
SPARE_FRACTION: Final = 0.2
"""For listeners, logs, probes, and connections that are kept for reuse."""


class FileLimit(Protocol):
    """The seam: what the process may have open at once."""

    def get(self) -> tuple[int, int]:
        """Return the soft limit, which counts, and the hard one, up to which it may be raised."""
        ...

    def raise_to(self, soft: int) -> None:
        """Set the soft limit.

        Raises:
          OSError or ValueError: the system refuses.
        """
        ...


class ProcessFileLimit:
    """The real one (``ulimit -n``)."""

    def get(self) -> tuple[int, int]:
        """See ``FileLimit``."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return _finite(soft), _finite(hard)

    def raise_to(self, soft: int) -> None:
        """See ``FileLimit``."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def needed_descriptors(max_connections: int) -> int:
    """Return how many descriptors that many client connections may take, with spare ones."""
    return round(max_connections * DESCRIPTORS_A_CONNECTION * (1 + SPARE_FRACTION))


def make_room(max_connections: int, limit: FileLimit) -> str | None:
    """Raise the soft limit as far as needed and possible; return a warning if it stays short."""
    needed = needed_descriptors(max_connections)
    soft, hard = limit.get()
    if soft >= needed:
        return None
    # A refusal needs no words of its own: the warning below tells the limit that stays.
    with contextlib.suppress(OSError, ValueError):
        limit.raise_to(min(needed, hard))
    soft, hard = limit.get()
    if soft >= needed:
        return None
    enough_for = int(soft / DESCRIPTORS_A_CONNECTION / (1 + SPARE_FRACTION))
    return (
        f"file limit: {soft} descriptors (hard limit {hard}), but {max_connections} connections "
        f"may need {needed}; beyond about {enough_for} connections some are answered 503, or wait. "
        f"Raise it (ulimit -Hn {needed}, LimitNOFILE={needed}) or lower --max-connections"
    )


def _finite(limit: int) -> int:
    """RLIM_INFINITY is -1 to Python."""
    return 2**31 - 1 if limit == resource.RLIM_INFINITY else limit
