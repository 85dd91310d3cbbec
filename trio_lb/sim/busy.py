"""Who is about to run: what a simulation says whose time stands still.

Time jumps when everybody waits. A task that never does (``while True: await trio.sleep(0)``) holds
it up for ever, and is among those that trio would run next. One that does not even give way
(``while trio.current_time() < 5: pass``) is the one that runs.
"""

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Final

import trio

MOST_TASKS: Final = 4
"""So many are named: who has more to look through has found out by then."""

_NOT_TOLD: Final = ("trio", "outcome", "contextlib")
"""Packages whose lines say only that somebody waits."""
_WORLD: Final = "trio_lb.sim."
"""Modules whose lines say only that somebody asked for the time."""


def busy_tasks() -> str:
    """Return the tasks that could run now, each with its innermost line; "" if none could.

    It is asked inside of ``trio.run``: by a task, or by the clock between two rounds of tasks.
    """
    context = trio._core._run.GLOBAL_RUN_CONTEXT
    now = getattr(context, "task", None)
    running = [_told(now, [*_lines_of_who_runs(), *_lines_of(now)])] if now is not None else []
    waiting = [_told(task, _lines_of(task)[::-1]) for task in context.runner.runq]
    told = list(dict.fromkeys([*running, *waiting]))  # A hundred of a kind are told once.
    more = f" and {len(told) - MOST_TASKS} more" if len(told) > MOST_TASKS else ""
    return f"about to run: {'; '.join(told[:MOST_TASKS])}{more}" if told else ""


def _told(task: trio.lowlevel.Task, lines: list[str]) -> str:
    """Name a task, and the first of its lines."""
    return f"{task.name}: {lines[0]}" if lines else task.name


def _lines_of(task: trio.lowlevel.Task) -> list[str]:
    """Return where a task waits, from without inwards; no line of trio's or Python's own."""
    return [_line(frame, number) for frame, number in task.iter_await_frames() if _is_told(frame)]


def _lines_of_who_runs() -> Iterator[str]:
    """Yield the lines of the task that has asked for the time, from within outwards."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "unrolled_run":
        if _is_told(frame) and not _module(frame).startswith(_WORLD):
            yield _line(frame, frame.f_lineno)
        frame = frame.f_back


def _is_told(frame: FrameType) -> bool:
    return _module(frame).partition(".")[0] not in _NOT_TOLD


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _line(frame: FrameType, number: int) -> str:
    return f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}, line {number})"
