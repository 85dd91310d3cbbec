"""One fault, certain in all its parts: the data that replaying, comparing and shrinking share."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from trio_lb.config.kinds import Choice, Refused
from trio_lb.config.knobs import SECONDS_OR_OFF
from trio_lb.config.nodes import Findings, Node, Origin
from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.shape import FaultKind, Lasts
from trio_lb.sim.faults.target import REACHES_PROGRAMS, Aim, Sort, Target, read_aim

KEYS: Final = ("at", "kind", "target", "until", "args")
_KIND: Final = Choice("kind of fault", lambda: tuple(KINDS))


@attrs.frozen(slots=True)
class Fault:
    """What happens ``at`` some second of virtual time, to whom, and when it is healed.

    ``args`` holds every argument of the kind, defaults too: a record means the same
    when a default has changed since. ``until`` is None for what is never healed. ``origin`` is
    where somebody wrote it, if it was in a file; it is no part of what happens.

    Raises:
      ConfigError: the table of kinds has no such fault.
    """

    at: float
    kind: str
    target: Target
    until: float | None = None
    args: Mapping[str, object] = attrs.field(factory=dict)
    origin: Origin = attrs.field(default=Origin(), eq=False, repr=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Check it as if it had been read, and fill in what was not said."""
        findings = Findings()
        kind = read_kind(Node(self.kind, ("kind",), findings))
        at = read_instant(Node(self.at, ("at",), findings))
        end = Node(self.until, ("until",), findings)
        until = None if self.until is None else read_instant(end)
        if kind is not None and at is not None:
            args = kind.read_args(Node(dict(self.args), ("args",), findings))
            read_certain(Node(self.target.to_data(), ("target",), findings), kind)
            check_span(end, kind, at, until)
            for name, value in (("at", at), ("until", until), ("kind", kind.name), ("args", args)):
                object.__setattr__(self, name, value)
        unwrap(findings)

    def to_data(self) -> dict[str, object]:
        """Return what JSON can hold; ``from_data`` makes the same fault of it, to the last bit."""
        data: dict[str, object] = {"at": self.at, "kind": self.kind}
        data["target"] = self.target.to_data()
        if self.until is not None:
            data["until"] = self.until
        return data | ({"args": dict(self.args)} if self.args else {})

    @classmethod
    def from_data(cls, data: object) -> "Fault":
        """Return the fault that ``to_data`` wrote.

        Raises:
          ConfigError: with everything that is wrong with it.
        """
        findings = Findings()
        fault = read_fault(Node(data, (), findings))
        unwrap(findings)
        assert fault is not None, "what could not be read was refused"
        return fault


def told_of(fault: Fault, number: int, error: ConfigError) -> ConfigError:
    """Return what is wrong with a fault, with its number and where it was written."""
    place = fault.origin
    return ConfigError(
        [
            attrs.evolve(each, file=each.file or place.file, line=each.line or place.line)
            for each in error.below(f"[{number}]").problems
        ]
    )


def in_order(faults: Sequence[Fault]) -> list[Fault]:
    """Return them by instant; those of one instant keep their order."""
    return sorted(faults, key=lambda fault: fault.at)


def unwrap(findings: Findings) -> None:
    """Raise ConfigError if anything was found."""
    if findings.has_errors:
        raise ConfigError(findings.problems)


def read_fault(node: Node) -> Fault | None:
    """Return the fault of a record; None when it was refused."""
    fields = node.mapping()
    node.refuse_unknown(KEYS)
    refuse_missing(node, fields, KEYS[:3])
    if any(key not in fields for key in KEYS[:3]):
        return None
    at, kind = read_instant(fields["at"]), read_kind(fields["kind"])
    until = read_instant(fields["until"]) if "until" in fields else None
    if kind is None or at is None:
        return None
    target = read_certain(fields["target"], kind)
    args = kind.read_args(fields.get("args", node.child("args", {})))
    check_span(fields.get("until", node), kind, at, until)
    if target is None or not node.findings.is_sound(node.path):
        return None
    return Fault(at, kind.name, target, until, args)


def refuse_missing(node: Node, fields: Mapping[str, Node], wanted: Sequence[str]) -> None:
    """Refuse a mapping for each key that it must have and has not."""
    for key in wanted:
        if key not in fields and isinstance(node.value, Mapping):
            node.refuse(f"'{key}' is missing")


def read_kind(node: Node) -> FaultKind | None:
    """Return the kind of that name."""
    try:
        return KINDS[_KIND.read(node.value)]
    except Refused as error:
        node.complain(error)
        return None


def read_target(node: Node, kind: FaultKind) -> Aim | None:
    """Return whom it hits, or is aimed at, if a fault of this kind can."""
    aim = read_aim(node)
    if aim is None or kind.takes(aim.sort):
        return aim
    taken = " or ".join(sort.value for sort in kind.targets)
    node.refuse(f"{kind.name} hits a {taken}, not a {aim.sort.value}{_instead(kind, aim)}")
    return None


def _instead(kind: FaultKind, aim: Aim) -> str:
    """Say what a writer may mean who names a host where a server is wanted."""
    if aim.sort is not Sort.HOST or Sort.SERVER not in kind.targets:
        return ""
    if kind.modelled:
        return f"; it acts on servers of the simulation (sim.server) alone; {REACHES_PROGRAMS}"
    return "; a program that a balancer has among its servers is one, too: server:NAME"


def read_certain(node: Node, kind: FaultKind) -> Target | None:
    """Return whom a record hits: there, nothing is left to chance, nor to a zone."""
    aim = read_target(node, kind)
    target = None if aim is None else aim.certain()
    if aim is not None and target is None:
        node.refuse("a record says whom it hit; only a schedule leaves that open")
    return target


def read_instant(node: Node) -> float | None:
    """Return seconds from the begin of the simulation."""
    try:
        return SECONDS_OR_OFF.read(node.value)
    except Refused as error:
        node.complain(error)
        return None


def check_span(node: Node, kind: FaultKind, at: float, until: float | None) -> None:
    """Refuse an end where there is none, a missing one, and one that is not after ``at``."""
    if until is None:
        if kind.lasts is Lasts.SPAN:
            node.refuse(f"{kind.name} needs an end: say until, or for how long")
    elif kind.lasts is Lasts.INSTANT:
        node.refuse(f"{kind.name} happens at one instant and has no end")
    elif not until > at:
        node.refuse(f"the end, {until:g} s, is not after the begin, {at:g} s")
