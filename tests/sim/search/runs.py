"""Runs that misbehave, as functions of a module: other processes find them by name."""

import os
import signal

from trio_lb.sim.search.trial import Outcome, Trial


def plain(trial: Trial) -> Outcome:
    """Odd seeds fail; each seed reaches a point that is its last digit's."""
    violations = {"odd": f"{trial.seed} is odd"} if trial.seed % 2 else {}
    return Outcome(violations, f"{trial.seed:x}", {}, (f"digit {trial.seed % 10}",))


def dies_of_three(trial: Trial) -> Outcome:
    """Seed 3 ends the process, seed 4 does so by a signal, seed 5 raises."""
    match trial.seed:
        case 3:
            os._exit(7)
        case 4:
            os.kill(os.getpid(), signal.SIGKILL)
        case 5:
            raise ValueError("five is too much")
    return plain(trial)


def waits_for_ever(trial: Trial) -> Outcome:
    """Every seed but 0 is never done."""
    if trial.seed:
        signal.pause()
    return plain(trial)


def looks_at_hashes(trial: Trial) -> Outcome:
    """What it does depends on the hash of a text, from seed 2 on."""
    seen = hash("a text") if trial.seed >= 2 else 0
    return Outcome(trace_hash=f"{trial.seed} {seen}")


def prints(trial: Trial) -> Outcome:
    """Something is printed, which is no answer."""
    os.write(1, b"hello\n")
    return plain(trial)
