"""A small world to aim at, and faults of every kind."""

import random

import attrs
from hypothesis import strategies as st

from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.shape import FaultKind, Lasts
from trio_lb.sim.faults.target import Sort, Target


@attrs.frozen
class World:
    """Four servers in two zones, a balancer in none."""

    servers: tuple[str, ...] = ("s1", "s2", "s3", "s4")
    hosts: tuple[str, ...] = ("lb", "s1", "s2", "s3", "s4")
    clients: tuple[str, ...] = ("web", "mobile")
    websockets: tuple[str, ...] = ("chat",)
    zones: tuple[str, ...] = ("a", "b")
    programs: tuple[str, ...] = ()

    def zone_of(self, name: str) -> str | None:
        return {"s1": "a", "s2": "a", "s3": "b", "s4": "b"}.get(name)


WORLD = World()


def rng(seed: int = 7) -> random.Random:
    return random.Random(seed)


TARGETS = {
    Sort.LINK: Target(Sort.LINK, ("lb", "zone:b")),
    Sort.HOST: Target(Sort.HOST, ("s2",)),
    Sort.SERVER: Target(Sort.SERVER, ("s1",)),
    Sort.CLIENT: Target(Sort.CLIENT, ("web",)),
    Sort.RESOLVER: Target(Sort.RESOLVER, ("api.local",)),
    Sort.LB: Target(Sort.LB, ("lb",)),
    Sort.POINT: Target(Sort.POINT, ("pool.size",)),
}
instants = st.floats(0, 10_000)
lengths = st.floats(1e-6, 10_000)


def required(kind: FaultKind) -> dict[str, object]:
    return {name: "10.0.0.9" for name, arg in kind.args.items() if arg.default is None}


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(list(KINDS.values())))
    at = draw(instants)
    length = draw(lengths)
    ends = kind.lasts is Lasts.SPAN or (kind.lasts is Lasts.OPEN and draw(st.booleans()))
    args = required(kind)
    for name, arg in kind.args.items():
        if isinstance(arg.default, float) and draw(st.booleans()):
            args[name] = (
                draw(st.floats(arg.default / 2, arg.default).filter(lambda x: x >= 1))
                if arg.default > 1
                else arg.default / 2
            )
    return Fault(
        at,
        kind.name,
        TARGETS[draw(st.sampled_from(kind.targets))],
        at + length if ends else None,
        args,
    )
