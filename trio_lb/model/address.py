"""Where a server or a listener is found."""

import attrs


@attrs.frozen(slots=True)
class Address:
    """A TCP endpoint, or a unix socket when ``host`` begins with ``unix:``.

    ``host`` is a name or a literal without brackets; ``port`` is 0 for a unix
    socket and, on a listener, for "any free port".
    """

    host: str
    port: int

    @property
    def is_unix(self) -> bool:
        """Whether this names a unix socket (``unix:/run/app.sock``)."""
        return self.host.startswith("unix:")

    def __str__(self) -> str:
        if self.is_unix:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
