"""How far a search is, on one line: redrawn on a terminal, now and then a line elsewhere."""

import math
from typing import Final

import attrs

from trio_lb.sim.trace import TextSink

MOST_BAR: Final = 30
"""Columns of the bar: one for each thirtieth, finer is not seen."""

LEAST_BAR: Final = 5
"""A shorter one says less than the numbers beside it."""

PLAIN_STEPS: Final = 10
"""Where nothing can be redrawn, so many lines tell of a search whose end is known."""


@attrs.frozen(slots=True)
class Counts:
    """How many trials are done, of how many (None: nobody knows), and how many of them failed."""

    done: int
    total: int | None = None
    failed: int = 0


def progress_line(counts: Counts, *, seconds: float = 0.0, columns: int = 80) -> str:
    """Return the line, at most ``columns`` wide; ``seconds`` is how long it took so far.

    What does not fit is left out: first the bar, then the rest of the time, then the rate.
    """
    parts = [_share(counts), _failed(counts), _rate(counts, seconds), _left(counts, seconds)]
    while len(line := ", ".join(filter(None, parts))) > columns and len(parts) > 1:
        parts.pop()
    width = min(MOST_BAR, columns - len(line) - len("[] "))
    return (
        f"[{_bar(counts, width)}] {line}" if width >= LEAST_BAR and counts.total else line[:columns]
    )


class ProgressLine:
    """Writes counts as they come: redraws one line on a terminal, else a line each tenth.

    It asks neither the sink what it is nor a clock what the time is: both are told, so the same
    counts give the same text.
    """

    def __init__(self, sink: TextSink, *, is_terminal: bool, columns: int = 80) -> None:
        self._sink = sink
        self._is_terminal = is_terminal
        self._columns = columns
        self._told = 0

    def show(self, counts: Counts, seconds: float = 0.0) -> None:
        """Draw them, or let them pass."""
        line = progress_line(counts, seconds=seconds, columns=self._columns - 1)
        if self._is_terminal:
            # Padded, so that a longer line before leaves nothing behind; one column stays free,
            # or some terminals go to the next line.
            self._sink.write(f"\r{line:<{self._columns - 1}}")
        elif self._is_due(counts):
            self._sink.write(f"{line}\n")

    def end(self) -> None:
        """Leave the line as it is; what is written next begins below it."""
        if self._is_terminal:
            self._sink.write("\n")

    def _is_due(self, counts: Counts) -> bool:
        """Each tenth; where the end is not known, whenever twice as many are done."""
        if counts.total:
            step = counts.done * PLAIN_STEPS // counts.total
        else:
            step = counts.done.bit_length()
        due = step > self._told
        self._told = max(step, self._told)
        return due


def _share(counts: Counts) -> str:
    return f"{counts.done}" if counts.total is None else f"{counts.done} of {counts.total}"


def _failed(counts: Counts) -> str:
    return f"{counts.failed} failed" if counts.failed else "all fine"


def _rate(counts: Counts, seconds: float) -> str:
    return f"{counts.done / seconds:.3g} a second" if seconds > 0 and counts.done else ""


# Each part is "" where it is not known; what is not known is not said.


def _left(counts: Counts, seconds: float) -> str:
    if counts.total is None or not counts.done or seconds <= 0 or counts.done >= counts.total:
        return ""
    return f"{_span(seconds / counts.done * (counts.total - counts.done))} left"


def _span(seconds: float) -> str:
    """Two units at most, rounded up: nobody minds that it is done earlier."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _bar(counts: Counts, width: int) -> str:
    filled = width * counts.done // counts.total if counts.total else 0
    return f"{'#' * min(filled, width):<{width}}".replace(" ", "-")
