"""Who is about to run: what a simulation says whose time stands still.

Time jumps when everybody waits. A task that never does (``while True: await trio.sleep(0)``) holds
it up for ever, and is among those that trio would run next.
"""

from typing import Final

import trio

MOST_TASKS: Final = 4
"""So many are named: who has more to look through has found out by then."""

_NOT_TOLD: Final = ("trio", "outcome", "contextlib")
"""Modules whose lines say only that somebody waits."""


def busy_tasks() -> str:
    """Return the tasks that could run now, each with its innermost line; "" if none could.

    It is asked inside of ``trio.run``: by a task, or by the clock between two rounds of tasks.
    """
    context = trio._core._run.GLOBAL_RUN_CONTEXT
    now = getattr(context, "task", None)
    tasks = [*([now] if now is not None else ()), *context.runner.runq]
    told = list(dict.fromkeys(map(_told, tasks)))  # A hundred of a kind are told once.
    more = f" and {len(told) - MOST_TASKS} more" if len(told) > MOST_TASKS else ""
    return f"about to run: {'; '.join(told[:MOST_TASKS])}{more}" if told else ""


def _told(task: trio.lowlevel.Task) -> str:
    """Name a task, and the innermost line of it that is neither trio's nor Python's own."""
    lines = [
        f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}, line {number})"
        for frame, number in task.iter_await_frames()
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _NOT_TOLD
    ]
    return f"{task.name}: {lines[-1]}" if lines else task.name
