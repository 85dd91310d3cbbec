"""A fence around code of somebody else: what it raises stays inside, and is handed over.

An application may raise anything, groups and stray cancellations included. None of it may
reach the nursery that the application's task runs in: there it would end every other one.
"""

import inspect
import math
from collections.abc import Callable
from types import TracebackType

import trio


async def fenced(call: Callable[[], object]) -> Exception | None:
    """Call, and await what that returns; return the error it ended with, None when it ended well.

    Only our own cancellation, and what ends the program (KeyboardInterrupt), comes out.
    """
    fence = _Fence()
    with fence:
        promise = call()
        if not inspect.isawaitable(promise):
            raise TypeError(f"it is no async function: it returned {kind_of(promise)}")
        await promise
    return fence.error


class _Fence:
    """Keeps in what a block raises: ``error`` is what it was."""

    error: Exception | None = None

    def __enter__(self) -> None:
        """Let nothing out from here on but what must leave."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Hold everything back but our cancellation and what ends the program."""
        if isinstance(error, Exception):
            self.error = error
        elif isinstance(error, trio.Cancelled):
            # One of another scope, kept and raised again, would never be caught above us.
            self.error = RuntimeError("it was cancelled by a scope of its own")
            return not _is_cancelled()
        elif isinstance(error, BaseExceptionGroup):
            return self._hold_back(error)
        return isinstance(error, Exception)

    def _hold_back(self, group: BaseExceptionGroup[BaseException]) -> bool:
        """Let a cancellation leave alone: an error beside it would end other tasks."""
        cancelled, others = group.split(trio.Cancelled)
        if others is not None and not isinstance(others, ExceptionGroup):
            return False
        if cancelled is not None and _is_cancelled():
            raise cancelled from None
        self.error = others or RuntimeError("it was cancelled by a scope of its own")
        return True


def _is_cancelled() -> bool:
    return trio.current_effective_deadline() == -math.inf


def kind_of(value: object) -> str:
    """Name what somebody returned, for a message."""
    return "None" if value is None else f"a {type(value).__name__}"


def text_of(error: BaseException) -> str:
    """Return an error's class and text; of a group those of its members."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(text_of, error.exceptions))
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
