"""What a check finds: violations, verdicts, and the one thing that is no finding, its own crash."""

from typing import Final

import attrs

from trio_lb.sim.happening import Happening, What

MOST_KEPT: Final = 100
"""So many violations of a check are kept; the count goes on. One bug may break a law a
million times, and the first of them is what helps."""


@attrs.frozen(slots=True)
class Violation:
    """A law that was broken at the virtual second ``at``.

    ``text`` says seen against allowed. ``req``, ``conn`` and ``entity`` are those of the
    happening that broke it; 0 and "" when the end of the run did.
    """

    at: float
    check: str
    text: str
    req: int = 0
    conn: int = 0
    entity: str = ""

    def __str__(self) -> str:
        about = [self.entity] if self.entity else []
        about += [f"request {self.req}"] if self.req else []
        where = f" {', '.join(about)}:" if about else ""
        return f"{self.at:.6f} s {self.check}:{where} {self.text}"


@attrs.frozen(slots=True)
class Verdict:
    """What a check says of a whole run; ``violations`` counts all, ``first`` is the first.

    ``found`` is the figure that it measured and ``asked`` the bound, if it is about a figure.
    ``objected_at`` is the instant at which the check said so: the end of the run, where it judges
    all of it.
    """

    name: str
    ok: bool
    violations: int
    first: Violation | None
    asked: str = ""
    found: str = ""
    objected_at: float | None = attrs.field(default=None, eq=False)

    def __str__(self) -> str:
        if self.first is None:
            return f"{self.name}: ok"
        return f"{self.name}: violated {self.violations} times, first {self.first}"


class CheckCrashed(Exception):
    """A check raised something itself: it is broken, and says nothing of the run.

    The cause is chained. ``happening`` is what it was hearing, None at the end of the run.
    """

    def __init__(self, check: str, happening: Happening | None, error: BaseException) -> None:
        self.check = check
        self.happening = happening
        heard = "at the end of the run" if happening is None else f"at {happening}"
        super().__init__(
            f"the check {check!r} crashed {heard}: {type(error).__name__}: {error};"
            " it says nothing of this run"
        )


@attrs.frozen(slots=True)
class Reached:
    """A point of coverage: the instant at which it was first reached, None for never."""

    name: str
    at: float | None
    by: What | None = None
