"""Signals that come while a program starts: they do not kill it, and are not forgotten.

Imports and the first look at the configuration take some tenths of a second, in which nobody
receives signals; and who receives none is killed by SIGHUP, SIGUSR1 and SIGQUIT. Whoever
starts and at once reloads (a deployment, a renewed certificate), or rotates logs in that
moment, would end the program; and a supervisor takes death by SIGHUP for a clean exit.

    hold --> noted --> deliver: raised again, now that somebody receives them
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

HELD: Final = (signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT)

_noted: Final[dict[int, None]] = {}
"""What came meanwhile. A process has one start, and one disposition for each signal."""


@contextmanager
def held_signals() -> Iterator[None]:
    """Note the signals of ``HELD`` for as long as the block runs, where nobody else takes them.

    What is ignored (``nohup``) stays so.
    """
    _noted.clear()
    before = {each: signal.getsignal(each) for each in HELD}
    deadly = [each for each, handler in before.items() if handler is signal.SIG_DFL]
    for each in deadly:
        signal.signal(each, _note)  # noqa: TID251  # no Env has been made yet
    try:
        yield
    finally:
        for each in deadly:
            signal.signal(each, signal.SIG_DFL)  # noqa: TID251  # as above


def deliver() -> None:
    """Raise again, once each, what was noted: somebody receives it from now on."""
    while _noted:
        signal.raise_signal(_noted.popitem()[0])


def _note(number: int, frame: FrameType | None) -> None:
    _noted[number] = None
