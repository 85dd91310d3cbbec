"""A fence around code of somebody else: what it raises stays inside, and is handed over.

An application may raise anything, groups and stray cancellations included. None of it may
reach the nursery that the application's task runs in: there it would end every other one.
"""

import inspect
import math
from collections.abc import Callable

import trio


async def fenced(call: Callable[[], object]) -> Exception | None:
    """Call, and await what that returns; return the error it ended with, None when it ended well.

    Only our own cancellation, and what ends the program (KeyboardInterrupt), comes out.
    """
    try:
        promise = call()
        if not inspect.isawaitable(promise):
            return TypeError(f"it is no async function: it returned {kind_of(promise)}")
        await promise
    except trio.Cancelled:
        if _is_cancelled():
            raise
        # One of another scope, kept and raised again, would never be caught above us.
        return RuntimeError("it was cancelled by a scope of its own")
    except Exception as error:
        return error
    except BaseExceptionGroup as group:
        return _held_back(group)
    return None


def _held_back(group: BaseExceptionGroup[BaseException]) -> Exception | None:
    """Let a cancellation of ours leave alone: an error beside it would end other tasks."""
    cancelled, others = group.split(trio.Cancelled)
    if others is not None and not isinstance(others, ExceptionGroup):
        raise group
    if cancelled is not None and _is_cancelled():
        raise cancelled from None
    return others or RuntimeError("it was cancelled by a scope of its own")


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
