"""One end of a connection over a unix socket: there are no packets, so nobody is answered by a reset.

    TCP     abort --> RST to the peer                 bytes to a closed end --> RST comes back
    unix    abort --> an end of file, as by a close   bytes to a closed end --> the send itself fails

A close with bytes unread is a reset in both: Linux says ECONNRESET to who had sent them.
"""

import trio

from trio_lb.sim.stream import VirtualStream


class UnixStream(VirtualStream):
    """See ``VirtualStream``."""

    __slots__ = ()

    def abort(self) -> None:
        """See ``Stream``; it is a close, for no packet could carry a reset."""
        if self._incoming.has_bytes(self._now()):
            super().abort()
        else:
            self.close()

    def _check_may_send(self) -> None:
        super()._check_may_send()
        if self.remote is not self and self.remote.is_closed:
            raise trio.BrokenResourceError(f"send to {self.peer}: broken pipe")
