"""One past, many futures: a run is forked at an instant, and each child changes something.

    ----------- the run ------------+---- as it was ------------ result
                                    |---- child: "s2 dies" ----- result --.
                                    |---- child: "no retries" -- result --+--> told to the run
                                    at

What is warm (caches, breakers, queues, an hour of traffic) need not be made again for each. The
processes are equal to the last bit at the instant, so what differs later is what was changed.

Rules, each of which was learnt by breaking it:

1. A child never leaves ``main``: it reports through a pipe and ends by ``os._exit``. It shares
   the epoll instance of trio with its parent and siblings, and a teardown of trio in one of them
   takes the wakeup of the others away.
2. The parent waits at the instant until its children are done. Nothing is left that could outlive it.
3. What a child writes to an open file stands in the same file as what its parent writes:
   record such a run's trace without a sink, for its hash.

POSIX only: there is no fork elsewhere.
"""

import json
import os
import selectors
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NoReturn, Protocol, TypeAlias

import attrs

Change: TypeAlias = Callable[[], object]
"""Called in the child, at the instant, before anything else happens there."""
Cause: TypeAlias = Callable[[], BaseException | None]

_fork: Callable[[], int] | None = getattr(os, "fork", None)
_READ_BYTES: Final = 65536


class CallAt(Protocol):
    """``DesClock.call_at``, or what else makes a call at an instant."""

    def __call__(self, at: float, make: Callable[[], object], /) -> object: ...


class NoFork(NotImplementedError):
    """This platform can't fork a process."""


class BranchFailed(RuntimeError):
    """A child came to no result; the text names it and says what it raised."""


@attrs.frozen(slots=True)
class Branched:
    """What came of the run itself, and of each branch, by name."""

    trunk: Any
    branches: Mapping[str, Any]


class Fork:
    """Forks one run at one instant.

    A play arms it with the clock of its world, and runs its main ``around`` it:

        def play(fork: Fork) -> object:
            clock = DesClock()
            world = World(clock)
            fork.arm(clock.call_at, {"as it was": lambda: None, "s2 dies": world.kill_s2})
            return run(fork.around(world.main), clock=clock)
    """

    def __init__(self, at: float, at_once: int) -> None:
        self.at = at
        self.name = ""
        """The branch that this process is; empty for the run itself."""
        self._at_once = at_once
        self.results: dict[str, Any] | None = None
        """What the branches told; None before the instant has come."""
        self._pipe: int | None = None
        self._is_around = False
        self._cause: Cause = lambda: None

    def arm(
        self, call_at: CallAt, changes: Mapping[str, Change], *, cause: Cause = lambda: None
    ) -> None:
        """Fork at the instant, once for each change.

        ``cause`` returns what went wrong in the world, if a main that is cancelled would not
        know: ``lambda: clock.fault``.
        """
        self._cause = cause
        call_at(self.at, lambda: self._split(changes))

    def around(self, main: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
        """Return a main that reports what ``main`` returns, or raises, where it runs in a child.

        The result is what JSON can hold.
        """

        async def reporting() -> Any:
            self._is_around = True
            try:
                result = await main()
            except BaseException as error:
                if self._pipe is not None:
                    self.fail(self._cause() or error)
                raise
            if self._pipe is not None:
                self._report({"result": result})
            return result

        return reporting

    def fail(self, error: BaseException) -> NoReturn:
        """In a child: say what went wrong, and end."""
        self._report({"error": f"{type(error).__name__}: {error}"})

    @property
    def is_child(self) -> bool:
        """Whether this process is a branch."""
        return self._pipe is not None

    # ------------------------------------------------------------------ parent and children

    def _split(self, changes: Mapping[str, Change]) -> None:
        if not self._is_around:
            raise ValueError("main does not run around the fork: a child would leave it")
        waiting = list(changes.items())
        waiting.reverse()
        children = _Children()
        self.results = {}
        try:
            while waiting or children.count:
                while waiting and children.count < self._at_once:
                    name, change = waiting.pop()
                    if self._become_child(name, children):
                        self._make(change)
                        return
                self.results |= children.wait()
        finally:
            if not self.is_child:
                children.kill()
        self.results = {name: self.results[name] for name in changes}

    def _make(self, change: Change) -> None:
        try:
            change()
        except Exception as error:
            self.fail(error)

    def _become_child(self, name: str, children: "_Children") -> bool:
        """Fork; say whether this is the child."""
        if _fork is None:
            raise NoFork(_no_fork())
        reading, writing = os.pipe()
        pid = _fork()
        if pid:
            os.close(writing)
            children.add(name, pid, reading)
            return False
        os.close(reading)
        children.forget()
        self.name, self._pipe = name, writing
        return True

    def _report(self, told: Mapping[str, Any]) -> NoReturn:
        """Write it and be gone, without any of what a process does at its end."""
        assert self._pipe is not None, "the run itself returns what it has to tell"
        code = 1
        try:
            data = json.dumps(told).encode()
            while data:
                data = data[os.write(self._pipe, data) :]
            code = 0
        finally:
            os._exit(code)


class _Children:
    """Those that are under way, as their parent sees them."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._pids: dict[int, tuple[str, int]] = {}
        self._heard: dict[int, bytes] = {}

    @property
    def count(self) -> int:
        return len(self._pids)

    def add(self, name: str, pid: int, pipe: int) -> None:
        self._pids[pipe] = (name, pid)
        self._heard[pipe] = b""
        self._selector.register(pipe, selectors.EVENT_READ)

    def wait(self) -> dict[str, Any]:
        """Read what there is, and return the results of those that are done; maybe of none."""
        done: dict[str, Any] = {}
        for key, _ in self._selector.select():
            heard = os.read(key.fd, _READ_BYTES)
            self._heard[key.fd] += heard
            if not heard:
                name, told = self._bury(key.fd)
                done[name] = _result(name, told)
        return done

    def kill(self) -> None:
        """End those that are left, by their ids, and let go of everything."""
        for pipe, (_, pid) in list(self._pids.items()):
            os.kill(pid, signal.SIGKILL)
            self._bury(pipe)
        self._selector.close()

    def forget(self) -> None:
        """In a child: its siblings are not its business. The selector is the parent's, too."""
        for pipe in self._pids:
            os.close(pipe)
        self._selector.close()

    def _bury(self, pipe: int) -> tuple[str, bytes]:
        name, pid = self._pids.pop(pipe)
        self._selector.unregister(pipe)
        os.close(pipe)
        os.waitpid(pid, 0)
        return name, self._heard.pop(pipe)


def _result(name: str, told: bytes) -> Any:
    answer = json.loads(told) if told else {"error": "its process ended without a word"}
    if "error" in answer:
        raise BranchFailed(f"branch {name!r}: {answer['error']}")
    return answer["result"]


def branch(
    play: Callable[[Fork], Any],
    *,
    at: float,
    at_once: int | None = None,
    fork: Callable[[], int] | None = _fork,
) -> Branched:
    """Play once, forked at ``at`` seconds of its virtual time, and return what came of it all.

    ``at_once`` is how many children run at a time, by default one a core. Hand in no ``fork`` to
    see what happens where there is none.

    Raises:
      NoFork: this platform has no ``os.fork``.
      BranchFailed: a child raised, or died; its siblings were killed.
      ValueError: the play was over before the instant.
    """
    if fork is None:
        raise NoFork(_no_fork())
    split = Fork(at, at_once or os.cpu_count() or 1)
    try:
        trunk = play(split)
    except BaseException as error:
        if split.is_child:
            split.fail(error)  # Trio itself broke.
        raise
    if split.is_child:
        split.fail(RuntimeError("it left its run"))
    if split.results is None:
        raise ValueError(f"the play was over before {at:g} s, or never armed the fork")
    return Branched(trunk, split.results)


def _no_fork() -> str:
    return (
        f"branching needs os.fork, which {sys.platform} has not;"
        " run each branch from the begin instead (explore)"
    )
