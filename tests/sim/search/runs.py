"""Runs that misbehave, as functions of a module: other processes find them by name."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

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


def spins_at_one(trial: Trial) -> Outcome:
    """Seed 1 loops for ever, without a look at any clock; seed 4 is not done before that one is."""
    begun = Path(str(trial.options["begun"]))
    if trial.seed == 1:
        begun.touch()
    while trial.seed == 1:
        pass
    while trial.seed == 4 and not begun.exists():
        time.sleep(0.001)
    return plain(trial)


def dies_when_it_is_done(trial: Trial) -> Outcome:
    """Seed 0 answers, and then its process ends."""
    if trial.seed == 0:
        threading.Thread(target=_ends_when_idle, args=(threading.main_thread().ident,)).start()
    return plain(trial)


def _ends_when_idle(main: int) -> None:
    """It waits for the next trial when it stands where those are received."""
    while True:
        frame: FrameType | None = sys._current_frames()[main]
        while frame is not None:
            if frame.f_code.co_name == "recv":
                os._exit(3)
            frame = frame.f_back
