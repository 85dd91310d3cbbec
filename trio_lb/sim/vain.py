"""Runs in which nothing happened that could have gone wrong: all checks hold, and say nothing.

A fault that is planned for the 300th second of a run of five never comes, and nobody is told. So
such faults are counted; and a schedule of which none came makes a run vacuous, as does a crowd of
clients in which nobody asked.
"""

from collections.abc import Sequence
from typing import Final

from trio_lb.sim.faults.schedule import Schedule

NOBODY_ASKED: Final = "nobody asked anything"


def late_line(schedules: Sequence[Schedule], until_seconds: float) -> str:
    """Return how many faults begin after the end of a run; "" if none does."""
    planned = sum(len(each.entries) for each in schedules)
    late = sum(each.late(until_seconds) for each in schedules)
    if not late:
        return ""
    faults = "fault" if planned == 1 else "faults"
    verb = "begins" if late == 1 else "begin"
    return (
        f"{late} of {planned} {faults} {verb} after the end at {until_seconds:g} s and never came"
    )


def no_fault(schedules: Sequence[Schedule], until_seconds: float) -> str:
    """Return why not one of these faults can come; "" if some can, or chance decides.

    Chance that draws none is no mistake: that is for the next seed.
    """
    planned = sum(len(each.entries) for each in schedules)
    if not planned:
        return "no fault is planned"
    late = sum(each.late(until_seconds) for each in schedules)
    return "none of the planned faults came" if late == planned else ""
