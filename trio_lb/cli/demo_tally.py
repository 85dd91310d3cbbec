"""What the demo counts: who answered, what failed, what was saved, what breakers did."""

from collections.abc import Sequence

import attrs

from trio_lb.cli.demo_script import NAMES


@attrs.define(slots=True)
class Tally:
    """Counts since the last row, and in all.

    ``answered`` are whole answers of servers; ``failed`` are requests of the demo's client
    that got none. ``saved`` are those of the first that took more than one attempt.
    """

    names: Sequence[str] = NAMES
    answered: dict[str, int] = attrs.field(factory=dict)
    failed: int = 0
    saved: int = 0
    breakers_opened: int = 0
    breakers_closed: int = 0
    _row_answered: dict[str, int] = attrs.field(factory=dict)
    _row_failed: int = 0

    @property
    def answered_total(self) -> int:
        """All servers' answers."""
        return sum(self.answered.values())

    def count(self, name: str, attempts: int) -> None:
        """Count an answer; one that took more than one attempt was saved by a retry."""
        self.answered[name] = self.answered.get(name, 0) + 1
        self._row_answered[name] = self._row_answered.get(name, 0) + 1
        self.saved += attempts > 1

    def count_failure(self) -> None:
        """Count a request that its client got no good answer to."""
        self.failed += 1
        self._row_failed += 1

    def row(self) -> str:
        """Return the counts since the last row, and begin the next one."""
        cells = [f"{name} {self._row_answered.get(name, 0):4}" for name in self.names]
        text = f"answered:  {'   '.join(cells)}   failed {self._row_failed:3}"
        self._row_answered, self._row_failed = {}, 0
        return text

    def summary(self) -> str:
        """Return the last words: counts of the whole play."""
        width = max(len(str(self.answered_total)), 5)
        return "\n".join(
            [
                "",
                f"  {'answered':<14}{self.answered_total:>{width}}",
                *(f"    {name:<12}{self.answered.get(name, 0):>{width}}" for name in self.names),
                f"  {'failed':<14}{self.failed:>{width}}",
                f"  {'saved':<14}{self.saved:>{width}}   by a retry on another server",
                "",
                self.verdict(),
            ]
        )

    def verdict(self) -> str:
        """Return the last line: the same counts, for a program to read."""
        return (
            f"demo: answered={self.answered_total} failed={self.failed} saved={self.saved} "
            f"breakers_opened={self.breakers_opened} breakers_closed={self.breakers_closed}"
        )
