"""What an option of a scenario may be: ``above(0)``, ``at_least(1)``, ``one_of("both", "there")``.

They stand beside the option's default, are checked before a world is made, and are what
``--list`` shows; so a wrong value is told by the option's name, not by what it would break.
"""

import math
from typing import Final

import attrs

from trio_lb.config.kinds import show


@attrs.frozen(slots=True)
class Limit:
    """A bound for a number, or the words that there are; whichever is given."""

    least: float = -math.inf
    above: float = -math.inf
    choices: tuple[str, ...] = ()

    def objection(self, value: object) -> str:
        """Return what is wrong with a value; "" if nothing is."""
        if self.choices:
            return "" if value in self.choices else f"{show(value)} is not {self}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{show(value)} is not a number"
        if not math.isfinite(value):
            return f"{show(value)} is not a finite number"
        return "" if value >= self.least and value > self.above else f"{show(value)} is not {self}"

    def __str__(self) -> str:
        if self.choices:
            *others, last = (show(choice) for choice in self.choices)
            return f"{', '.join(others)} or {last}" if others else last
        return f">= {self.least:g}" if self.least > self.above else f"> {self.above:g}"

    @property
    def brief(self) -> str:
        """The same for a list of options: ``> 0``, ``both|there|back``."""
        return "|".join(self.choices) if self.choices else str(self)


def at_least(least: float) -> Limit:
    """Let a number be this or more."""
    return Limit(least=least)


def above(bound: float) -> Limit:
    """Let a number be more than this."""
    return Limit(above=bound)


def one_of(*choices: str) -> Limit:
    """Let it be one of these words."""
    return Limit(choices=choices)


POSITIVE: Final = above(0)
"""For rates, durations and loads: nothing, or less, is no story."""
