"""What a virtual socket refuses, each with the reason: better no answer than a wrong one."""

import errno
from types import TracebackType
from typing import Any, NoReturn, Self

import trio


def refuse(what: str, why: str) -> NoReturn:
    """Say that the simulator does not do that.

    Raises:
      OSError: EOPNOTSUPP, so that a program that can do without does without.
    """
    raise OSError(errno.EOPNOTSUPP, f"{what} is not simulated: {why}")


_NO_KERNEL = "there is no descriptor that the kernel knows"
_NO_DATAGRAMS = "a virtual socket is a TCP stream; use recv and send"


class Refusals(trio.socket.SocketType):
    """The part of ``SocketType`` that virtual sockets have not got, and that which needs no socket."""

    def __enter__(self) -> Self:
        """Own the socket for a block."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the socket."""
        self.close()

    def get_inheritable(self) -> bool:
        """Return False: there is no other process."""
        return False

    def set_inheritable(self, inheritable: bool) -> None:
        """Do nothing: there is no other process."""

    def detach(self) -> int:
        """Refused."""
        refuse("detach()", _NO_KERNEL)

    def dup(self) -> trio.socket.SocketType:
        """Refused."""
        refuse("dup()", _NO_KERNEL)

    async def recvfrom(self, *_arguments: Any) -> Any:
        """Refused."""
        refuse("recvfrom()", _NO_DATAGRAMS)

    async def recvfrom_into(self, *_arguments: Any) -> Any:
        """Refused."""
        refuse("recvfrom_into()", _NO_DATAGRAMS)

    async def recvmsg(self, *_arguments: Any) -> Any:
        """Refused."""
        refuse("recvmsg()", _NO_DATAGRAMS)

    async def recvmsg_into(self, *_arguments: Any) -> Any:
        """Refused."""
        refuse("recvmsg_into()", _NO_DATAGRAMS)

    async def sendto(self, *_arguments: Any) -> Any:
        """Refused."""
        refuse("sendto()", _NO_DATAGRAMS)

    async def sendmsg(self, *_arguments: Any) -> Any:
        """Refused."""
        refuse("sendmsg()", _NO_DATAGRAMS)
