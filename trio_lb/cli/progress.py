"""How far a long command is: a bar on a terminal, elsewhere a line now and then."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from trio_lb.sim.search.progress import Counts, ProgressLine
from trio_lb.sim.sweep.stopwatch import Stopwatch

SILENT_SECONDS: Final = 10.0
"""Whoever reads a log has waited longer for less."""


@contextmanager
def progress(stream: TextIO) -> Iterator[Callable[[Counts], object]]:
    """Hand out what shows how far a search is; the line is ended with the block.

    Where ``stream`` is no terminal (a log, a pipe) a line tells of each tenth, so that a search
    of an hour is not silent; one of less than ``SILENT_SECONDS`` is, as its result is all there
    is to say.
    """
    is_terminal = stream.isatty()
    columns = shutil.get_terminal_size().columns
    line = ProgressLine(stream, is_terminal=is_terminal, columns=columns)
    watch = Stopwatch()

    def show(counts: Counts) -> None:
        seconds = watch.seconds()
        if is_terminal or seconds >= SILENT_SECONDS:
            line.show(counts, seconds)
            stream.flush()

    try:
        yield show
    finally:
        line.end()
