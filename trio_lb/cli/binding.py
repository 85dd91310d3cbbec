"""What to say when an address cannot be bound: what, where, and what to do."""

import errno
from collections.abc import Mapping, Sequence
from typing import Final

from trio_lb.model.address import Address

_ADVICE: Final[Mapping[int, str]] = {
    errno.EADDRINUSE: (
        "another program listens there: stop it (ss -ltnp shows which one it is), "
        "or choose another port with -p"
    ),
    errno.EACCES: "ports below 1024 need privileges: choose another port with -p",
    errno.EADDRNOTAVAIL: "this machine has no such address: choose another one with --host",
}


def cannot_bind(addresses: Sequence[Address], error: OSError) -> str:
    """Return the sentence for the user; one of ``addresses`` is the one that failed."""
    where = " or ".join(map(str, addresses))
    what = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0, "nothing was started")
    return f"cannot listen on {where}: {what.lower()}; {advice}"
