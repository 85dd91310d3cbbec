"""A check that is just a function: a text that it returns is a violation.

    @checks(What.ANSWER)
    def no_teapots(h: Happening) -> str | None:
        return "a teapot answered" if h.values[0] == 418 else None

Without the decorator it hears everything, which costs a call for each happening.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

from trio_lb.sim.checks.check import Check
from trio_lb.sim.happening import Ear, Happening, What

Judge: TypeAlias = Callable[[Happening], str | None]
"""A plain function that judges one happening: None if all is well."""

J = TypeVar("J", bound=Judge)

_WANTED = "__checks__"


def checks(*whats: What) -> Callable[[J], J]:
    """Let the function hear of nothing but these."""

    def mark(judge: J) -> J:
        setattr(judge, _WANTED, whats)
        return judge

    return mark


class PlainCheck(Check):
    """Wraps a function; its name is the function's."""

    def __init__(self, judge: Judge) -> None:
        super().__init__()
        self._judge = judge
        self._wanted: tuple[What, ...] = getattr(judge, _WANTED, ()) or tuple(What)
        self.name = getattr(judge, "__name__", type(judge).__name__)

    @property
    def ears(self) -> Mapping[What, Ear]:
        """See ``Check``."""
        return dict.fromkeys(self._wanted, self._heard)

    def _heard(self, happening: Happening) -> None:
        text = self._judge(happening)
        if text is not None:
            if not isinstance(text, str):
                raise TypeError(f"it returned {text!r}; a text or None was expected")
            self.object(happening, text)


def as_check(given: Check | Judge, takes: float = 0.0, settles: float = 0.0) -> Check:
    """Return a check for whatever a user calls one, which takes a run of so many seconds.

    Raises:
      TypeError: it is neither a check nor a function.
    """
    if isinstance(given, type) or (not callable(given) and not isinstance(given, Check)):
        raise TypeError(f"{given!r} is no check: give a Check, or a function of a Happening")
    check = given if isinstance(given, Check) else PlainCheck(given)
    check.takes_seconds = max(takes, check.takes_seconds)
    check.settle_seconds = max(settles, check.settle_seconds)
    return check
