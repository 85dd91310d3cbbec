"""What many seeds say of two configurations: the mean of each figure, and who was better how often."""

from collections import Counter
from collections.abc import Sequence

import attrs

from trio_lb.sim.report.lines import Line
from trio_lb.sim.whatif.compare import Compared


@attrs.frozen(slots=True)
class Row:
    """One figure over all seeds. ``line`` holds the means; how often ``new`` was better, worse."""

    line: Line
    better: int
    worse: int


def rows_of(compared: Sequence[Compared]) -> list[Row]:
    """Return a row for each figure; all seeds have the same figures."""
    return [_row(lines) for lines in zip(*(each.lines for each in compared), strict=True)]


def _row(lines: Sequence[Line]) -> Row:
    means = (_mean([line.values[0] for line in lines]), _mean([line.values[1] for line in lines]))
    verdicts = [line.verdict for line in lines]
    comparable = all(line.comparable for line in lines)
    mean = attrs.evolve(lines[0], values=means, comparable=comparable)
    return Row(mean, verdicts.count("good"), verdicts.count("bad"))


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of those seeds that have a value; None if none has."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


@attrs.frozen(slots=True)
class Checks:
    """In how many seeds which checks were broken: by the old only, by the new only, by both."""

    old_only: Counter[str]
    new_only: Counter[str]
    both: Counter[str]

    @classmethod
    def of(cls, compared: Sequence[Compared]) -> "Checks":
        """Count them."""
        checks = cls(Counter(), Counter(), Counter())
        for each in compared:
            for check in dict.fromkeys([*each.old_broken, *each.new_broken]):
                in_old, in_new = check in each.old_broken, check in each.new_broken
                column = checks.both if in_old and in_new else (
                    checks.old_only if in_old else checks.new_only
                )  # fmt: skip
                column[check] += 1
        return checks
