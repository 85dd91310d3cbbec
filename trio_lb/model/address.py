"""Where a server or a listener is found."""

import attrs


@attrs.frozen(slots=True)
class Address:
    """A TCP endpoint, a unix socket (``unix:/path``), or something in this process (``app:NAME``).

    ``host`` is a name or a literal without brackets; ``port`` is 0 for all but TCP
    and, on a listener, for "any free port".
    """

    host: str
    port: int

    @property
    def is_unix(self) -> bool:
        """Whether this names a unix socket (``unix:/run/app.sock``)."""
        return self.host.startswith("unix:")

    @property
    def is_inside(self) -> bool:
        """Whether this names an application in this process (``app:NAME``)."""
        return self.host.startswith("app:")

    def __str__(self) -> str:
        if self.is_unix or self.is_inside:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Ends = tuple[Address, Address]
"""Who dialled, and whom: a client's connection as a PROXY header names it."""
