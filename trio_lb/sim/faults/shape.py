"""What a kind of fault is, and how what is said about one is checked."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from trio_lb.config import values
from trio_lb.config.kinds import YEAR_SECONDS, Choice, Kind, Number, Refused
from trio_lb.config.nodes import Node
from trio_lb.sim.faults.target import Sort


class Lasts(Enum):
    """How long a fault is there."""

    INSTANT = "instant"
    """It happens; there is nothing to heal and no ``until``."""
    SPAN = "span"
    """It needs an ``until``, at which it is healed."""
    OPEN = "open"
    """It is healed at its ``until``, or stays when it has none."""


@attrs.frozen(slots=True)
class Arg:
    """One thing to be said about a fault; without a default it must be said."""

    kind: Kind
    default: object
    says: str


@attrs.frozen(slots=True)
class FaultKind:
    """One kind; ``points`` are those at which it can act, if it acts at points.

    ``modelled``: it acts on what the simulation models (its servers, its clients, the balancer),
    and so never on a program of the user's own.
    """

    name: str
    family: str
    targets: tuple[Sort, ...]
    lasts: Lasts
    says: str
    args: Mapping[str, Arg] = attrs.field(factory=dict)
    points: tuple[str, ...] = ()
    modelled: bool = False

    @property
    def defaults(self) -> dict[str, object]:
        """Return what holds where nothing else is said."""
        return {name: arg.default for name, arg in self.args.items() if arg.default is not None}

    def takes(self, sort: Sort) -> bool:
        """Whether it can be aimed so: a zone stands for its hosts or servers."""
        members = sort is Sort.ZONE and bool({Sort.HOST, Sort.SERVER} & {*self.targets})
        return sort in self.targets or members

    def read_args(self, node: Node) -> dict[str, object]:
        """Return all arguments, each as it will be kept; complain about those that are wrong."""
        node.refuse_unknown(list(self.args))
        made = self.defaults
        for name, field in node.mapping().items():
            if name in self.args:
                try:
                    made[name] = self.args[name].kind.read(field.value)
                except Refused as error:
                    field.complain(error)
        missing = [name for name in self.args if name not in made and name not in node.mapping()]
        for name in missing:
            node.refuse(f"'{name}' is missing: {self.args[name].kind.allowed}")
        return made


FACTOR: Final = Number("a factor (1..10000)", 1, 10_000, span="in 1..10000")
SHIFT: Final = Number(
    values.DURATION_FORM, -YEAR_SECONDS, YEAR_SECONDS, unit="seconds", parse=values.duration
)


def one_of(noun: str, *names: str) -> Choice:
    """Return the kind of a word that is one of these."""
    return Choice(noun, lambda: names)
