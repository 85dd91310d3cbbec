"""The bar of a long command, on a terminal only: a file wants results."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from trio_lb.sim.search.progress import Counts, ProgressLine
from trio_lb.sim.sweep.stopwatch import Stopwatch


@contextmanager
def progress(stream: TextIO) -> Iterator[Callable[[Counts], object]]:
    """Hand out what shows how far a search is; the line is ended with the block.

    Where ``stream`` is no terminal nothing is shown.
    """
    if not stream.isatty():
        yield lambda counts: None
        return
    line = ProgressLine(stream, is_terminal=True, columns=shutil.get_terminal_size().columns)
    watch = Stopwatch()

    def show(counts: Counts) -> None:
        line.show(counts, watch.seconds())
        stream.flush()

    try:
        yield show
    finally:
        line.end()
