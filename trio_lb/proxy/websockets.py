"""The open WebSockets of one balancer: what each is told when the balancer stops."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from trio_lb.config.schema import WebSocketConfig
from trio_lb.model.events import Event
from trio_lb.net.env import Env

CLOSES_PER_SECOND: Final = 100.0
"""How fast they are told to go, at the least: each will come back at once, somewhere else."""

PATIENCE_SECONDS: Final = 10.0
"""How long a closing handshake may take, unless the stop leaves less."""

_LEAST_SECONDS: Final = 0.001


class Due(Protocol):
    """What the timer serves; see ``control.timers``."""

    @property
    def deadline(self) -> float | None:
        """When it wants a call, or None."""
        ...

    def on_deadline(self, now: float) -> Sequence[Event]:
        """Do what is due."""
        ...


class WebSocket(Due, Protocol):
    """An open one, as the book knows it."""

    def leave_at(self, at: float, patience_seconds: float) -> None:
        """Tell both ends at ``at`` that we leave, and wait so long for them to have understood."""
        ...


class WebSockets:
    """The book of those that are open. ``config`` may be renewed; ``touch`` tells the timer."""

    __slots__ = ("_env", "_gone_at", "_last_word_at", "_open", "_rng", "_touch", "config")

    def __init__(self, config: WebSocketConfig, env: Env, touch: Callable[[Due], None]) -> None:
        self.config = config
        self._env = env
        self._touch = touch
        self._rng = env.rng("websocket closes")
        self._open: dict[WebSocket, None] = {}
        self._last_word_at: float | None = None
        self._gone_at = 0.0

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def join(self, one: WebSocket) -> None:
        """Count ``one`` in; if a stop has begun, it learns of that, too."""
        self._open[one] = None
        self._touch(one)
        if self._last_word_at is not None:
            self._part(one, self._last_word_at)

    def leave(self, one: WebSocket) -> None:
        """Count ``one`` out; its ``deadline`` is None by now."""
        del self._open[one]
        self._touch(one)

    def drain(self, seconds: float) -> None:
        """A stop begins that lasts ``seconds``: let all be told, and be gone, before its end.

        They are told at random instants of its first half, or of as much of that as it takes
        at ``CLOSES_PER_SECOND``: a few are told at once.
        """
        if not self.config.close_on_drain:
            return
        now = self._env.now()
        self._gone_at = now + seconds
        self._last_word_at = now + min(seconds / 2, len(self._open) / CLOSES_PER_SECOND)
        for one in list(self._open):
            self._part(one, self._last_word_at)

    def _part(self, one: WebSocket, last_word_at: float) -> None:
        now = self._env.now()
        at = now + self._rng.random() * max(0.0, last_word_at - now)
        patience_seconds = min(PATIENCE_SECONDS, (self._gone_at - at) / 2)
        one.leave_at(at, max(patience_seconds, _LEAST_SECONDS))
        self._touch(one)
