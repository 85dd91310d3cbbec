"""The access log: a service that writes one line for each ended request.

It hears of requests through the bus; a balancer without it makes no records at all.
"""

import logging
from collections.abc import Callable
from typing import Final, Protocol

import trio

from trio_lb.model.events import Event, RequestCompleted, RequestFailed
from trio_lb.net.env import Sink
from trio_lb.observe.access_format import FORMATS
from trio_lb.observe.lines import Lines, open_lines

DELAY_SECONDS: Final = 0.25
"""How long a line may wait for others; a write costs more than a line."""

_log = logging.getLogger("trio_lb.access_log")


class Publisher(Protocol):
    """The part of a balancer that the log needs."""

    def on(
        self, what: str | type[Event], callback: Callable[[RequestCompleted | RequestFailed], None]
    ) -> Callable[[], None]:
        """Call back at each such event; return the undo."""
        ...


class AccessLog:
    """A ``Service``. Owns ``sink``, which it closes when the balancer does; started once.

    ``format`` is a name of ``FORMATS``; ``name`` is how messages call the file.
    """

    def __init__(self, sink: Sink, format: str, *, name: str) -> None:
        self._sink = sink
        self._render = FORMATS[format]
        self._name = f"access log {name}"
        self._lines: Lines | None = None

    @property
    def lost(self) -> int:
        """How many lines could not be written so far."""
        return self._lines.lost if self._lines else 0

    def reopen_soon(self) -> None:
        """Open the path anew: the old file was moved away."""
        if self._lines is not None:
            self._lines.reopen_soon()

    async def __call__(self, lb: Publisher, *, task_status: trio.TaskStatus[None]) -> None:
        """Write until cancelled, and then what is still queued."""
        async with open_lines(
            self._sink, self._name, tell=_log.warning, delay_seconds=DELAY_SECONDS
        ) as self._lines:
            undo = [lb.on(kind, self._ended) for kind in (RequestCompleted, RequestFailed)]
            try:
                task_status.started()
                await trio.sleep_forever()
            finally:
                for each in undo:
                    each()

    def __repr__(self) -> str:
        return f"<AccessLog: {self._name}>"

    def _ended(self, event: RequestCompleted | RequestFailed) -> None:
        assert self._lines is not None, "registered while the lines are open"
        self._lines.put(self._render(event.record).encode("ascii") + b"\n")
