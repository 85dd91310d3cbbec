"""An ASGI application's lifespan: told once that it starts, and once that it stops.

    STARTING --READY--> UP --STOP--> STOPPING --ENDED--> ENDED
        |                `--ENDED--> BARE
        |--SILENT--> BARE --STOP--> ENDED
        |--FAILED--> FAILED --STOP--> ENDED
        `--STOP--> ENDED

Rule 1: who does not speak the protocol is served all the same (BARE): one that raises
        before it has heard of the start, or answers with something else.
Rule 2: who says that it failed, raises after it has heard, or takes longer than
        STARTUP_SECONDS has failed: it gets no request, and ``why`` says what was wrong.
Rule 3: a stop waits SHUTDOWN_SECONDS for it, also while everything around is cancelled:
        an application closes its database in that time.

Source: the ASGI specification, Lifespan Protocol 2.0.
"""

import enum
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import trio

from trio_lb.proxy.inside.asgi import ASGI, AsgiApp, Message, Scope
from trio_lb.proxy.inside.fence import fenced, text_of

STARTUP_SECONDS: Final = 60.0
SHUTDOWN_SECONDS: Final = 10.0

_log = logging.getLogger("trio_lb.apps")


class LifeState(enum.Enum):
    """Where a life stands."""

    STARTING = "is starting"
    UP = "has started"
    BARE = "knows no start and no stop"
    FAILED = "did not start"
    STOPPING = "is stopping"
    ENDED = "has ended"


class Signal(enum.Enum):
    """What moves it on."""

    READY = "it said that it has started"
    SILENT = "it does not speak of its life"
    FAILED = "its start went wrong"
    STOP = "it is wanted no more"
    ENDED = "its call returned"


TRANSITIONS: Final[Mapping[LifeState, Mapping[Signal, LifeState]]] = {
    LifeState.STARTING: {
        Signal.READY: LifeState.UP,
        Signal.SILENT: LifeState.BARE,
        Signal.FAILED: LifeState.FAILED,
        Signal.STOP: LifeState.ENDED,
    },
    LifeState.UP: {Signal.STOP: LifeState.STOPPING, Signal.ENDED: LifeState.BARE},
    LifeState.BARE: {Signal.STOP: LifeState.ENDED},
    LifeState.FAILED: {Signal.STOP: LifeState.ENDED},
    LifeState.STOPPING: {Signal.ENDED: LifeState.ENDED},
    LifeState.ENDED: {},
}


class Lifespan:
    """The life of one application. ``run`` is its task; ``on_settled`` hears how it began.

    ``state`` is what the application put into its lifespan scope, for its requests. ``name``
    is what people call it in logs.
    """

    def __init__(self, app: AsgiApp, name: str, on_settled: Callable[[], None]) -> None:
        self.phase = LifeState.STARTING
        self.why = ""
        self.state: dict[str, Any] = {}
        self._app = app
        self._name = name
        self._on_settled = on_settled
        self._scope = trio.CancelScope(shield=True)
        self._has_heard = False
        self._stop = trio.Event()

    def _take(self, signal: Signal) -> None:
        before, self.phase = self.phase, TRANSITIONS[self.phase][signal]
        if before is LifeState.STARTING:
            self._on_settled()

    async def run(self) -> None:
        """Call the application with its lifespan scope, until it has ended or was stopped.

        It is shielded from what is cancelled around it, so that it can be stopped in an
        orderly way; whoever runs it calls ``stop``, which bounds the shield.
        """
        if self.phase is LifeState.ENDED:
            await trio.lowlevel.checkpoint()
            return
        error = None
        self._scope.deadline = trio.current_time() + STARTUP_SECONDS
        with self._scope:
            error = await fenced(self._call)
        self._judge(error)

    def _call(self) -> object:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {**ASGI, "spec_version": "2.0"},
            "state": self.state,
        }
        return self._app(scope, self._receive, self._send)

    def _judge(self, error: Exception | None) -> None:
        """Say what it means that the call has ended."""
        match self.phase:
            case LifeState.STARTING if self._scope.cancelled_caught:
                self._fail(f"it took longer than {STARTUP_SECONDS:g} s")
            case LifeState.STARTING if not self._has_heard:
                self._take(Signal.SILENT)
            case LifeState.STARTING:
                self._fail("it returned without a word" if error is None else text_of(error))
            case LifeState.UP | LifeState.STOPPING:
                self._end(error)
            case LifeState.FAILED if error is not None:
                _log.error("app %s: what went wrong at its start", self._name, exc_info=error)

    def _end(self, error: Exception | None) -> None:
        if self._scope.cancelled_caught:
            _log.error("app %s took longer than %g s to stop", self._name, SHUTDOWN_SECONDS)
        elif error is not None:
            _log.error("app %s failed in its lifespan", self._name, exc_info=error)
        self._take(Signal.ENDED)

    def _fail(self, why: str) -> None:
        self.why = why
        _log.error("app %s did not start: %s", self._name, why)
        self._take(Signal.FAILED)

    def stop(self) -> None:
        """Ask it to stop, and bound its shield; one that has not started is cancelled."""
        if self.phase in (LifeState.STARTING, LifeState.UP, LifeState.BARE, LifeState.FAILED):
            self._take(Signal.STOP)
        if self.phase is LifeState.ENDED:
            self._scope.cancel()
        self._scope.deadline = trio.current_time() + SHUTDOWN_SECONDS
        self._stop.set()

    # ------------------------------------------------------------------ what the app calls

    async def _receive(self) -> Message:
        if not self._has_heard:
            self._has_heard = True
            await trio.lowlevel.checkpoint()
            return {"type": "lifespan.startup"}
        await self._stop.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        await trio.lowlevel.checkpoint()
        kind = message["type"]
        starting = self.phase is LifeState.STARTING
        if kind == "lifespan.startup.complete" and starting:
            self._scope.deadline = float("inf")
            self._take(Signal.READY)
        elif kind == "lifespan.startup.failed" and starting:
            self._fail(_last_line(str(message.get("message", ""))) or "it gave no reason")
        elif kind == "lifespan.shutdown.failed":
            _log.error("app %s failed to stop: %s", self._name, message.get("message", ""))
        elif kind != "lifespan.shutdown.complete":
            if starting:
                self._take(Signal.SILENT)
                self._scope.cancel()
            raise ValueError(f"{kind!r} has no place in the lifespan protocol here")


def _last_line(text: str) -> str:
    """Of a traceback, which frameworks send as their message, the error itself."""
    return text.strip().rpartition("\n")[2]
