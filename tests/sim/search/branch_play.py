"""A program for the tests of branching: a little world that is forked at 500 s.

    python -m tests.sim.search.branch_play PLAY

It prints what came of it. Forks happen here, not in the process of the tests, whose threads
(of a plugin) a child would not have.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import trio

from trio_lb.sim.chance import derive_rng
from trio_lb.sim.clock import DesClock
from trio_lb.sim.run import run
from trio_lb.sim.search.branching import BranchFailed, Change, Fork, branch
from trio_lb.sim.trace import Trace, TraceHeader


class World:
    """Three tasks that sleep by chance, and a trace of who wakes when."""

    def __init__(self, fork: Fork) -> None:
        self.clock = DesClock()
        self.fork = fork
        self.slowness = 1.0
        self.trace = Trace(TraceHeader(seed=7))

    async def worker(self, name: str) -> None:
        rng = derive_rng(7, name)
        while trio.current_time() < 1000:
            await trio.sleep(rng.expovariate(0.1) * self.slowness)
            self.trace.record(trio.current_time(), "WAKE", name)

    async def main(self) -> dict[str, Any]:
        async with trio.open_nursery() as nursery:
            for name in ("a", "b", "c"):
                nursery.start_soon(self.worker, name)
        return {"hash": self.trace.end(), "branch": self.fork.name}

    def slow_down(self) -> None:
        self.slowness = 2.0

    def play(self, changes: dict[str, Change]) -> Any:
        self.fork.arm(self.clock.call_at, changes, cause=lambda: self.clock.fault)
        return run(self.fork.around(self.main), clock=self.clock)


def futures(fork: Fork) -> Any:
    """Two futures without a change, one with."""
    world = World(fork)
    return world.play({"same": _nothing, "same again": _nothing, "slow": world.slow_down})


def twenty(fork: Fork) -> Any:
    """Many futures, more than run at once."""
    return World(fork).play({f"number {number}": _nothing for number in range(20)})


def raises(fork: Fork) -> Any:
    """A change that goes wrong."""
    return World(fork).play({"fine": _nothing, "bad": _raise})


def breaks(fork: Fork) -> Any:
    """A call on the clock that goes wrong, some time after the fork, in a child only."""
    world = World(fork)
    return world.play({"broken": lambda: world.clock.call_at(600.0, _raise)})


def dies(fork: Fork) -> Any:
    """A child that is gone without a word."""
    return World(fork).play({"gone": lambda: os._exit(3)})


def leaves(fork: Fork) -> Any:
    """A main that does not run around the fork: its child would come out of the run."""
    world = World(fork)
    fork.arm(world.clock.call_at, {"lost": _nothing})
    return run(world.main, clock=world.clock)


def late(fork: Fork) -> Any:
    """A play that is over before the instant."""
    return run(fork.around(_at_once), clock=DesClock())


async def _at_once() -> None:
    await trio.lowlevel.checkpoint()


def _nothing() -> None:
    """As it was."""


def _raise() -> None:
    raise ValueError("no such server")


PLAYS: dict[str, Callable[[Fork], Any]] = {
    play.__name__: play for play in (futures, twenty, raises, breaks, dies, leaves, late)
}


def main() -> None:
    """The command."""
    try:
        branched = branch(PLAYS[sys.argv[1]], at=500.0, at_once=3)
        told: dict[str, Any] = {"trunk": branched.trunk, "branches": branched.branches}
    except (BranchFailed, ValueError) as error:
        told = {"refused": str(error)}
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        told["children"] = 0
    sys.stdout.write(f"{json.dumps(told)}\n")


if __name__ == "__main__":
    main()
