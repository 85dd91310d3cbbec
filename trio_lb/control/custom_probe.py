"""A probe that a user wrote: ``async def check(server) -> ProbeResult``.

It is the only code in a check that is not ours, so nothing that it does may leave the
check: what it raises, returns or forgets becomes a failed check with a text that says
so. It runs in the check's own task and is cut at the check's timeout like any other
probe; one that shields itself from that is late, and counts as timed out when it ends.
"""

import inspect
import math
from types import TracebackType

import trio

from trio_lb.model.probe_result import ProbeResult
from trio_lb.state.server import Server


def name_of(check: object) -> str:
    """Return the name under which people know ``check``."""
    name = getattr(check, "__qualname__", None) or type(check).__qualname__
    return str(name).rpartition(".")[2]


async def ask(server: Server, check: object) -> ProbeResult:
    """Call ``check(server)``; return its result, or a bad one that says what was wrong with it.

    Only a cancellation from outside, and what ends the program (KeyboardInterrupt), comes out.
    """
    fence = _Fence()
    with fence:
        return await _call(server, check)
    return _bad(fence.wrong)


class _Fence:
    """Keeps in what a check raises: ``wrong`` says what it was."""

    wrong = ""

    def __enter__(self) -> None:
        """Let nothing out from here on but what must leave."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Hold everything back but our cancellation and what ends the program."""
        if error is None:
            return False
        if isinstance(error, trio.Cancelled):
            # One of another scope, kept and raised again, would never be caught above us.
            self.wrong = "the check was cancelled by itself"
            return not _is_cancelled()
        if not isinstance(error, BaseExceptionGroup):
            self.wrong = text_of(error)
            return isinstance(error, Exception)
        return self._hold_back(error)

    def _hold_back(self, group: BaseExceptionGroup[BaseException]) -> bool:
        """Let a cancellation leave alone: an error beside it would end our own task."""
        cancelled, others = group.split(trio.Cancelled)
        if others is not None and not isinstance(others, ExceptionGroup):
            return False
        if cancelled is not None and _is_cancelled():
            raise cancelled from None
        self.wrong = text_of(others or group)
        return True


async def _call(server: Server, check: object) -> ProbeResult:
    name = name_of(check)
    if not callable(check):
        return _bad(f"{name} can't be called")
    promise = check(server)
    if not inspect.isawaitable(promise):
        return _bad(f"{name} is no async function: it returned {_kind(promise)}")
    result = await promise
    if not isinstance(result, ProbeResult):
        return _bad(f"{name} returned {_kind(result)}, not a ProbeResult")
    return result


def text_of(error: BaseException) -> str:
    """Return an exception's text, its class where it has none; of a group those of its members."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(text_of, error.exceptions))
    return str(error) or type(error).__name__


def _is_cancelled() -> bool:
    return trio.current_effective_deadline() == -math.inf


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _bad(wrong: str) -> ProbeResult:
    return ProbeResult(False, error=wrong)
