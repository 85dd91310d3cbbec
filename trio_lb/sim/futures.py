"""One simulation up to an instant, and then as many futures as you like.

    told = futures(build, {"s2 dies": lambda sim: sim.suffer(CRASH)}, at=30, until=60)
    told.branches["s2 dies"]["violations"]

An hour of traffic is played once; each future begins where it stands then, in a process of its
own (``search.branching``). POSIX only.
"""

from collections.abc import Callable, Mapping
from functools import partial

from trio_lb.sim.search.branching import Branched, Fork, branch
from trio_lb.sim.simulation import Simulation


def futures(
    build: Callable[[], Simulation],
    changes: Mapping[str, Callable[[Simulation], object]],
    *,
    at: float,
    until: float,
    settle: float = 0.0,
) -> Branched:
    """Run the simulation, forked at ``at``, once for each change; return what came of them all.

    ``trunk`` and each of ``branches`` are mappings with ``trace_hash`` and ``violations``. The
    trace is kept as a hash only: branches would write into one file.

    Raises:
      NoFork: this platform has no ``os.fork``.
      BranchFailed: a branch raised; the text names it.
      ValueError: the run was over before the instant.
    """

    def play(fork: Fork) -> object:
        sim = build()
        fork.arm(
            sim.clock.call_at,
            {name: partial(change, sim) for name, change in changes.items()},
            cause=lambda: sim.clock.fault,
        )
        direction = sim.direct(until, settle=settle, tally=False)
        direction.around = fork.around
        direction.run()
        return direction.told

    return branch(play, at=at)
