"""One lookup by the system's resolver, in a thread of trio's that nobody waits for."""

import errno
import os
import socket
from contextlib import suppress

import trio

from trio_lb.net.resolver import Answer, OnAnswer


def ask_system(name: str, on_answer: OnAnswer) -> None:
    """Satisfy ``resolver.Ask`` by getaddrinfo, which nothing can interrupt.

    Not ``trio.to_thread``: there a task would have to own the thread, and would throw
    away an answer that comes after it gave up. If the run ends first, nobody is told.
    """
    run = trio.lowlevel.current_trio_token()

    try:
        trio.lowlevel.start_thread_soon(
            lambda: _look_up(name),
            lambda found: _tell(run, on_answer, found.unwrap()),
            f"lookup of {name}",
        )
    except RuntimeError as error:  # The system gives us no thread.
        on_answer(OSError(f"{name}: {error}"))


def _look_up(name: str) -> Answer:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return _own_want() or error
    except Exception as error:
        # A label that is too long or empty, a NUL, no memory. Whatever it is, it must be an
        # answer: a lookup that never ends would hold up its name for ever.
        return OSError(f"{name}: {error}")
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _own_want() -> OSError | None:
    """Why this process itself can't ask, if that is so: the resolver doesn't say.

    Without a descriptor it opens neither its files nor a socket, and calls the name unknown.
    """
    try:
        os.close(os.dup(0))
    except OSError as error:
        return error if error.errno in (errno.EMFILE, errno.ENFILE) else None
    return None


def _tell(run: trio.lowlevel.TrioToken, on_answer: OnAnswer, answer: Answer) -> None:
    """Hand the answer over to trio's thread; called in the lookup's."""
    with suppress(trio.RunFinishedError):
        run.run_sync_soon(on_answer, answer)
