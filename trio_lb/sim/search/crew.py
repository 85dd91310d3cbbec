"""A worker: a process that runs the trials that it is sent, and replies to each.

It is the head of a process group of its own, so that whatever it started ends with it, and that
Ctrl-C at a terminal reaches only who leads the search.
"""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from functools import partial
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, Final

import attrs

from trio_lb.sim.search.trial import Outcome, Run, Trial

_HAS_GROUPS: Final = hasattr(os, "killpg")

_WHERE: Final = getattr(signal, "SIGUSR1", None)
"""Asks a worker where it stands; there is none on Windows."""

GRACE_SECONDS: Final = 5.0
"""So long for the answer: a loop in C gives none."""


@attrs.frozen(slots=True)
class Reply:
    """What came of a trial: an outcome, or what ``run`` raised."""

    outcome: Outcome | None = None
    crash: str = ""


def start_method() -> str:
    """Return how to start processes here: ``fork`` where that is there and safe, else ``spawn``.

    It is not safe beside threads, whose locks a child would find taken for ever, nor on macOS,
    whose own libraries start some.
    """
    can_fork = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    return "fork" if can_fork and threading.active_count() == 1 else "spawn"


class Worker:
    """One of them, as its leader sees it. ``connection`` is ready when there is a reply, or an end."""

    def __init__(self, run: Run, method: str) -> None:
        context: Any = multiprocessing.get_context(method)
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self.connection, run), daemon=False
        )
        self._process.start()
        theirs.close()  # Else this process would keep the pipe open, and never see its end.

    def ask(self, trial: Trial) -> None:
        """Send it a trial; one that is dead says so when it is asked for its reply."""
        try:
            self.connection.send(trial)
        except OSError:
            return

    def reply(self) -> Reply | None:
        """Return the reply to the last trial; None when it died of it."""
        try:
            reply = self.connection.recv()
        except (EOFError, OSError):
            self.join()
            return None
        assert isinstance(reply, Reply), "nobody else writes into this pipe"
        return reply

    @property
    def is_gone(self) -> bool:
        """Whether one that has nothing to do has ended: then there is an end to read."""
        return self.connection.closed or self._has_something()

    def give_up(self) -> Reply | None:
        """End it in the middle of a trial; return where it stood, or None if it can't tell."""
        pid = self._process.pid
        if _WHERE is not None and pid is not None and self._process.is_alive():
            os.kill(pid, _WHERE)
            self._has_something(GRACE_SECONDS)
        reply = self.reply() if self._has_something() else None
        self.kill()
        self.join()
        return reply

    def _has_something(self, seconds: float = 0.0) -> bool:
        """Whether there is a reply to read, or an end."""
        try:
            return bool(self.connection.poll(seconds))
        except OSError:  # So Windows says that nobody is there.
            return True

    def epitaph(self) -> str:
        """Say how it ended."""
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"by signal {signal.Signals(-code).name}"
        return f"with exit code {code}"

    def kill(self) -> None:
        """End it and what it started, whatever they are at; harmless afterwards."""
        pid = self._process.pid
        if self._process.exitcode is not None or pid is None:
            return
        try:
            if _HAS_GROUPS and os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # Gone by itself since.
        self._process.kill()

    def join(self) -> None:
        """Wait until it has ended, and let go of it."""
        self._process.join()
        self.connection.close()


def _serve(connection: Connection, of_leader: Connection, run: Run) -> None:
    """The life of a worker: until its leader is gone."""
    if _HAS_GROUPS:
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _WHERE is not None:
        signal.signal(_WHERE, signal.SIG_IGN)
    of_leader.close()  # A fork has it, too, and would never see that the leader is gone.
    while True:
        try:
            trial = connection.recv()
        except (EOFError, OSError):
            return
        if _WHERE is not None:
            signal.signal(_WHERE, partial(_tell_where, connection))
        reply = _reply(trial, run)
        if _WHERE is not None:  # Not while it writes: an answer within an answer can't be read.
            signal.signal(_WHERE, signal.SIG_IGN)
        connection.send(reply)


def _tell_where(connection: Connection, number: int, frame: FrameType | None) -> None:
    """Say where the run stands, and end it there: its ``finally`` may loop as well."""
    stack = traceback.extract_stack(frame, limit=3)
    last = f"{stack[-1].name}, {os.path.basename(stack[-1].filename)} line {stack[-1].lineno}"
    said = "".join(traceback.format_list(stack)).rstrip()
    connection.send(Reply(crash=f"{last}\n{said}"))
    os._exit(1)


def _reply(trial: Trial, run: Run) -> Reply:
    """What a run raises ends that run, not the search."""
    try:
        return Reply(run(trial))
    except Exception as error:
        said = "".join(traceback.format_exception(error, limit=-3)).rstrip()
        return Reply(crash=f"seed {trial.seed}: {type(error).__name__}: {error}\n{said}")
