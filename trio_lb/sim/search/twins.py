"""Twin runs: the same trial in two processes in which hashes, addresses and imports differ.

    TwinRun --JSON line--> process 1: PYTHONHASHSEED=1, Python's own allocator --.
            --JSON line--> process 2: PYTHONHASHSEED=2, the allocator of libc,   |
                                      all modules imported, in a drawn order ----+--> the same hash?

A run that looks at the order of a set, at ``hash()`` or at ``id()``, or at what was imported when,
gives itself away.
``python -m trio_lb.sim.search.twins package.module:function`` is such a process.
"""

import importlib
import json
import os
import pkgutil
import random
import subprocess
import sys
from collections.abc import Mapping
from typing import IO, Final

import attrs

import trio_lb
from trio_lb.model.errors import ConfigError
from trio_lb.sim.search.trial import Outcome, Run, Trial, load

DIVERGED: Final = "twins"
"""The name of the check that two runs of one trial fail which are not the same."""

IMPORTS: Final = "TRIO_LB_TWIN_IMPORTS"
"""The variable that names the order in which a twin imports everything, before its first trial."""

TWINS: Final[tuple[Mapping[str, str], Mapping[str, str]]] = (
    {"PYTHONHASHSEED": "1", "PYTHONMALLOC": "pymalloc", IMPORTS: ""},
    {"PYTHONHASHSEED": "2", "PYTHONMALLOC": "malloc", IMPORTS: "2"},
)
"""The environments in which they live."""


class TwinDied(RuntimeError):
    """A process ended in mid trial; what it said stands above, in the terminal."""


class TwinRun:
    """Runs each trial twice, side by side; the two processes stay for the next trial.

    They start with the first trial and end with ``close``, or with the process that holds this.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._twins: list[subprocess.Popen[str]] = []

    def __call__(self, trial: Trial) -> Outcome:
        """Return the first twin's outcome; it fails ``twins`` if the second's is another.

        Raises:
          TwinDied: a process ended.
        """
        if not self._twins:  # With the first trial: this may have come here from another process.
            self._twins = [_started(self._run, each) for each in TWINS]
        for twin in self._twins:  # Both have it before one is waited for: they run side by side.
            _pipe(twin.stdin).write(f"{trial.text}\n")
            _pipe(twin.stdin).flush()
        first, second = (self._answer_of(twin, trial) for twin in self._twins)
        return _compared(first, second)

    def close(self) -> None:
        """End both; the next trial would start them again."""
        twins, self._twins = self._twins, []
        for twin in twins:
            twin.kill()
            _pipe(twin.stdin).close()
            _pipe(twin.stdout).close()
            twin.wait()

    def _answer_of(self, twin: "subprocess.Popen[str]", trial: Trial) -> Outcome:
        line = _pipe(twin.stdout).readline()
        if not line.endswith("\n"):
            self.close()
            raise TwinDied(f"a twin ended in the trial with seed {trial.seed}")
        answer = json.loads(line)
        if "raised" in answer:
            return Outcome({"crashed": answer["raised"]}, trace_hash=answer["raised"])
        return Outcome(**answer)


def _started(run: str, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    path = os.pathsep.join(filter(None, sys.path))  # Where this process would find the function.
    return subprocess.Popen(
        [sys.executable, "-m", "trio_lb.sim.search.twins", run],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment, "PYTHONPATH": path},
    )


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None, "both were asked for"
    return pipe


def _compared(first: Outcome, second: Outcome) -> Outcome:
    """Outcomes are compared as a whole: also where no trace was kept, numbers tell."""
    if first == second:
        return first
    what = "traces" if first.trace_hash != second.trace_hash else "results"
    says = f"two runs, two {what}: {_told(first)} | {_told(second)}"
    return attrs.evolve(first, violations={**first.violations, DIVERGED: says})


def _told(outcome: Outcome) -> str:
    failed = ", ".join(outcome.violations) or "no check"
    return f"hash {outcome.trace_hash}, {failed} failed"


def serve(run: Run, lines: IO[str], answers: IO[str]) -> None:
    """Run the trial of each line, and answer with a line, until there are no more."""
    for line in lines:
        try:
            answer = run(Trial.from_data(json.loads(line))).to_data()
        except Exception as error:
            answer = {"raised": f"{type(error).__name__}: {error}"}
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()


def import_everything(order: str) -> list[str]:
    """Import all modules of the product, in an order drawn from the text; return them in it.

    Those that stand for a library that is not installed are left out.
    """
    names = sorted(
        each.name
        for each in pkgutil.walk_packages(trio_lb.__path__, "trio_lb.")
        if not each.name.endswith("__main__")
    )
    random.Random(order).shuffle(names)
    imported: list[str] = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:  # Its own words too: ``trio_lb.httpx`` names the extra that it needs.
            continue
        imported.append(name)
    return imported


def main() -> None:
    """The command. Answers go where standard output went; what is printed goes to errors."""
    if order := os.environ.get(IMPORTS, ""):
        import_everything(order)
    try:
        run = load(sys.argv[1])
    except ConfigError as error:
        sys.exit(str(error))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with answers:
        serve(run, sys.stdin, answers)


if __name__ == "__main__":
    main()
