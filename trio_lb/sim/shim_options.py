"""The options of a virtual socket: what was set is remembered, and almost all of it changes nothing.

The exception is SO_LINGER with zero seconds, by which programs ask for a reset instead of an
end of file.
"""

import socket
import struct
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trio_lb.sim.network import DEFAULT_WINDOW_BYTES

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Name = tuple[int, int]
"""The level and the number of an option."""

_LINGER: Final = (socket.SOL_SOCKET, socket.SO_LINGER)
_INT_BYTES: Final = 4


def _bytes_of(value: int) -> bytes:
    return value.to_bytes(_INT_BYTES, sys.byteorder, signed=True)


_DEFAULTS: Final[Mapping[Name, bytes]] = {
    (socket.SOL_SOCKET, socket.SO_TYPE): _bytes_of(socket.SOCK_STREAM),
    (socket.SOL_SOCKET, socket.SO_RCVBUF): _bytes_of(DEFAULT_WINDOW_BYTES),
    (socket.SOL_SOCKET, socket.SO_SNDBUF): _bytes_of(DEFAULT_WINDOW_BYTES),
}
"""What is not zero unless it is set."""


class Options:
    """What setsockopt keeps. The socket itself sets SO_ACCEPTCONN when it listens."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: dict[Name, bytes] = {}

    def set(
        self, name: Name, value: "int | ReadableBuffer | None", size_bytes: int | None = None
    ) -> None:
        """Keep a value; None stands for ``size_bytes`` bytes of zero, as in setsockopt(3).

        Raises:
          TypeError: a value and a size, or neither.
        """
        if (value is None) is (size_bytes is None):
            raise TypeError(f"option {name}: give a value, or None and its size")
        if value is None:
            self._kept[name] = bytes(size_bytes or 0)
        else:
            self._kept[name] = _bytes_of(value) if isinstance(value, int) else bytes(value)

    def get(self, name: Name) -> int:
        """Return an option as a number; what nobody has set is 0."""
        return int.from_bytes(self.get_bytes(name, _INT_BYTES), sys.byteorder, signed=True)

    def get_bytes(self, name: Name, size_bytes: int) -> bytes:
        """Return at most ``size_bytes`` bytes of an option."""
        kept = self._kept.get(name) or _DEFAULTS.get(name) or bytes(_INT_BYTES)
        return kept[:size_bytes]

    @property
    def resets_on_close(self) -> bool:
        """Whether a close is to say RST: to linger is on, for no time at all."""
        kept = self._kept.get(_LINGER, b"")
        if len(kept) < struct.calcsize("ii"):
            return False
        is_on, seconds = struct.unpack_from("ii", kept)
        return bool(is_on) and seconds == 0
