"""How a server answers: the answer as it should be, and those who change it on the way.

    job done --> Answer(200, body) --conduct--> Answer(500, ...) --conduct--> ... --> pieces of bytes

A server's ``conducts`` are asked in their order; a fault adds one and takes it away again.
"""

import itertools
from collections.abc import Callable
from enum import Enum
from typing import Final, TypeAlias

import attrs

from trio_lb.sim.actors.http1 import answer_head, chunk

ENDLESS_SECONDS: Final = 0.1
ENDLESS_PIECE: Final = chunk(b"." * 1024)
"""What follows, again and again, in a body that never ends."""


class Then(Enum):
    """What follows the bytes of an answer."""

    KEEP = "keep"
    """The connection goes on."""
    CLOSE = "close"
    """FIN."""
    RESET = "reset"
    """RST."""
    HANG = "hang"
    """Nothing: neither bytes nor an end."""
    ENDLESS = "endless"
    """More of the body, for ever: ``ENDLESS_PIECE`` each ``ENDLESS_SECONDS``."""


@attrs.define(slots=True)
class Answer:
    """What a server says to one request, and how it parts.

    ``seconds`` is how much longer it takes. ``promised`` is the Content-Length where that is not
    the truth. In chunks (``is_chunked``) the body may come in so many ``pieces``, one every
    ``every_seconds``; ``lacks_last_chunk``: no end is said. ``more`` are further lines of the head.
    """

    server: str
    status: int
    body: bytes
    more: str = ""
    then: Then = Then.KEEP
    is_head_only: bool = False
    seconds: float = 0.0
    promised: int | None = None
    is_chunked: bool = False
    pieces: int = 1
    every_seconds: float = 0.0
    lacks_last_chunk: bool = False
    is_wrong: bool = False
    """Whether a conduct made it wrong in a way that the other fields do not show."""

    def to_pieces(self) -> list[bytes]:
        """Return the bytes that go out before what follows; the head is in the first piece."""
        if not self._is_in_chunks:
            size = len(self.body) if self.promised is None else self.promised
            head = answer_head(self.status, size, self.server, self.more)
            return [head if self.is_head_only else head + self.body]
        head = answer_head(self.status, None, self.server, self.more)
        if self.is_head_only:
            return [head]
        first, *others = [chunk(part) for part in _parts(self.body, self.pieces)] or [b""]
        pieces = [head + first, *others]
        if not self.lacks_last_chunk and self.then is not Then.ENDLESS:
            pieces[-1] += chunk(b"")
        return pieces

    @property
    def _is_in_chunks(self) -> bool:
        return self.is_chunked or self.lacks_last_chunk or self.then is Then.ENDLESS

    @property
    def _promises_wrong(self) -> bool:
        """Whether a Content-Length that is not the truth is said; in chunks there is none."""
        return self.promised is not None and not self._is_in_chunks

    @property
    def is_whole(self) -> bool:
        """Whether the client gets an answer that is complete and says so."""
        is_right = not (self._promises_wrong or self.lacks_last_chunk or self.is_wrong)
        return is_right and self.then in (Then.KEEP, Then.CLOSE)

    @property
    def is_cut(self) -> bool:
        """Whether the client can see that something is missing."""
        is_short = self._promises_wrong and (self.promised or 0) > len(self.body)
        is_seen = not (self.is_head_only or self.is_wrong)
        return is_seen and (is_short or self.lacks_last_chunk)


Conduct: TypeAlias = Callable[[Answer], None]
"""Changes an answer as it sees fit."""

Gate: TypeAlias = Callable[[], Answer | None]
"""Says how a request is refused before it is worked on; None: it is not."""


def _parts(body: bytes, count: int) -> list[bytes]:
    """Cut a body into parts of about the same size, none of them empty."""
    count = min(count, len(body))
    edges = [len(body) * turn // count for turn in range(count + 1)] if count else []
    return [body[begin:end] for begin, end in itertools.pairwise(edges)]
