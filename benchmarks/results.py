"""What was measured, kept raw: every round of every row, so that a table can be made again."""

import json
import statistics
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs
import cattrs

# The origin without a proxy, measured in the same rounds where a row asks for it.
DIRECT: Final = "direct"


@attrs.frozen
class Sample:
    """One round of one row over one peer: figures by their key, and errors the client
    saw by their kind (``wrk.ERROR_KINDS``)."""

    figures: Mapping[str, float]
    errors: Mapping[str, int] = attrs.Factory(dict)


@attrs.define
class RowResult:
    """All rounds of one row, by peer, and why a peer has none (or no more)."""

    samples: dict[str, list[Sample]] = attrs.Factory(dict)
    failures: dict[str, str] = attrs.Factory(dict)

    def add(self, peer: str, sample: Sample) -> None:
        """Keep one round."""
        self.samples.setdefault(peer, []).append(sample)

    def fail(self, peer: str, reason: str) -> None:
        """Say that ``peer`` could not be measured; rounds it already had stay."""
        self.failures[peer] = reason

    def median(self, peer: str, key: str) -> float | None:
        """The median of a figure over the rounds, or None when no round has it."""
        values = [s.figures[key] for s in self.samples.get(peer, ()) if key in s.figures]
        return statistics.median(values) if values else None

    def errors(self, peer: str) -> Mapping[str, int]:
        """Errors of all rounds together, by kind: one in any round is one too many."""
        return sum((Counter(sample.errors) for sample in self.samples.get(peer, ())), Counter())


@attrs.define
class Results:
    """A whole run. ``versions`` names the peers that were here, in the table's order;
    ``absent`` says of each other what to type to get it."""

    machine: str
    date: str
    seconds: int
    rounds: int
    versions: dict[str, str]
    absent: dict[str, str]
    rows: dict[str, RowResult] = attrs.Factory(dict)

    def measured(self) -> list[str]:
        """Columns with figures: the origin itself first, where a row asked it, then the peers."""
        has_direct = any(DIRECT in row.samples for row in self.rows.values())
        return [*([DIRECT] if has_direct else []), *self.versions]

    def peers(self) -> list[str]:
        """Measured and absent ones: all columns."""
        return [*self.measured(), *self.absent]

    def is_sound(self, ours: str) -> bool:
        """Whether no peer failed, and ``ours`` let no error through.

        Errors that another peer lets through are its figure, not a fault of the run.
        """
        return not any(row.failures or row.errors(ours) for row in self.rows.values())


def write(results: Results, path: Path) -> None:
    """Write a run as JSON."""
    path.write_text(json.dumps(cattrs.unstructure(results), indent=2) + "\n", "utf-8")


def read(path: Path) -> Results:
    """Read a run that ``write`` wrote."""
    return cattrs.structure(json.loads(path.read_text("utf-8")), Results)
