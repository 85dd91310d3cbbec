"""A thread beside the loop: the only one that can tell that the loop stands still."""

import logging
import os
import sys
import threading
import traceback
from types import TracebackType
from typing import Final, Self

import trio

from trio_lb.net.env import Look

_log = logging.getLogger("trio_lb.lookout")

_FAREWELL_SECONDS: Final = 2.0
"""How long the end waits for a look that is under way (it may be writing a line)."""


class RealLookout:
    """Satisfies ``net.env.Outside``, and runs ``look`` in a thread for as long as its block does.

    To be entered in the loop that it is to look at. The thread is a daemon: whatever holds
    it up does not hold up the end of the process.
    """

    def __init__(self, look: Look, *, owns_process: bool = False) -> None:
        self._look = look
        self._owns_process = owns_process
        self._loop = threading.get_ident()
        self._clock = trio.lowlevel.current_clock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trio_lb lookout", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        try:
            self._thread.start()
        except RuntimeError as error:  # The system gives us no thread.
            _log.warning("no thread to watch the event loop from: %s", error)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(_FAREWELL_SECONDS)

    def _run(self) -> None:
        next_at = self._clock.current_time()
        try:
            while not self._ended.wait(max(0.0, next_at - self._clock.current_time())):
                next_at = self._look(self._clock.current_time(), self)
        except Exception:
            _log.exception("the event loop is watched no more")

    def stack(self) -> str:
        """See ``Outside``."""
        frame = sys._current_frames().get(self._loop)
        return "" if frame is None else "".join(traceback.format_stack(frame))

    def end_process(self, code: int) -> None:
        """See ``Outside``: without any cleaning up, for which the loop would be needed."""
        if self._owns_process:
            os._exit(code)
