"""What to say when an address cannot be bound: what, where, and what to do."""

import errno
from collections.abc import Mapping
from typing import Final

from trio_lb.model.address import Address

_ADVICE: Final[Mapping[int, str]] = {
    errno.EADDRINUSE: (
        "another program listens there: stop it (ss -ltnp shows which one it is), "
        "or choose another port with {port}"
    ),
    errno.EACCES: "ports below 1024 need privileges: choose another port with {port}",
    errno.EADDRNOTAVAIL: "this machine has no such address: choose another one with {host}",
}


def cannot_bind(address: Address, error: OSError, *, port: str = "-p", host: str = "--host") -> str:
    """Return the sentence for the user; ``port`` and ``host`` are where to say another one."""
    what = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0, "nothing was started").format(port=port, host=host)
    return f"cannot listen on {address}: {what.lower()}; {advice}"
