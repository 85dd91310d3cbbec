"""A log sink in memory, with the two faults of a real one: it fails, or it hangs."""

import trio


class VirtualSink:
    """Satisfies ``net.env.Sink``.

    ``data`` is what the file under the path holds; ``rotated`` what each file held
    that ``reopen`` left behind, oldest first.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.data = b""
        self.rotated: list[bytes] = []
        self.is_open = True
        self._error: OSError | None = None
        self._works = trio.Event()
        self._works.set()

    async def write(self, data: bytes) -> None:
        """See ``Sink``; cancelled while it hangs, it has written nothing."""
        await trio.lowlevel.checkpoint()
        await self._works.wait()
        if not self.is_open:
            raise trio.ClosedResourceError(f"sink {self.path} was closed")
        if self._error is not None:
            raise self._error
        self.data += data

    def write_now(self, data: bytes) -> None:
        """See ``Sink``."""
        if self._error is not None:
            raise self._error
        self.data += data

    async def reopen(self) -> None:
        """Begin a new file; ``-`` has none."""
        await trio.lowlevel.checkpoint()
        if self.path != "-":
            self.rotated.append(self.data)
            self.data = b""

    async def aclose(self) -> None:
        """See ``Sink``; what was written stays to be read."""
        self.is_open = False
        await trio.lowlevel.checkpoint()

    def fail(self, error: OSError) -> None:
        """Make every write raise ``error`` until ``heal``."""
        self._error = error

    def hang(self) -> None:
        """Make every write wait until ``heal``."""
        self._works = trio.Event()

    def heal(self) -> None:
        """End both faults."""
        self._error = None
        self._works.set()
