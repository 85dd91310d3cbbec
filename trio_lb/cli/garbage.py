"""The garbage collector of a program that runs for months on objects made at its start.

A library leaves the collector to its program; ``trio-lb run`` is one. With a thousand busy
connections the collector's defaults took a seventh of the CPU time, and the worst answer
waited for a pass over everything that lives.
"""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""So many more objects made than freed begin a pass over the young ones (default 700). A
request leaves no cycle behind: reference counts free all of it, and there is little to find."""

_MIDDLE_PASSES: Final = 20
_OLD_PASSES: Final = 100
"""Passes over the younger ones before the older are looked at, too (default 10 each)."""


def settle() -> None:
    """Take what lives now (code, configuration, tables) out of the collector's sight.

    Call it once, when the start is over: what is garbage by then is freed first.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, _MIDDLE_PASSES, _OLD_PASSES)
