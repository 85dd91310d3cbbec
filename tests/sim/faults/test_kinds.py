"""The table of kinds: whole, consistent, and each can be injected."""

import pytest

from tests.sim.faults.support import TARGETS, required
from trio_lb.sim.faults import wire_kinds, world_kinds
from trio_lb.sim.faults.inject import INJECTORS
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.shape import FaultKind, Lasts
from trio_lb.sim.faults.target import Sort


def test_no_name_stands_twice_and_every_family_is_there() -> None:
    made = (
        *wire_kinds.link_kinds(),
        *wire_kinds.connect_kinds(),
        *wire_kinds.stream_kinds(),
        *world_kinds.host_kinds(),
        *world_kinds.app_kinds(),
        *world_kinds.control_kinds(),
        *world_kinds.client_kinds(),
        *world_kinds.buggify_kinds(),
    )
    assert [kind.name for kind in made] == list(KINDS)
    assert list(dict.fromkeys(kind.family for kind in KINDS.values())) == [
        "link",
        "connect",
        "stream",
        "host",
        "app",
        "control",
        "client",
        "buggify",
    ]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_s_own_defaults_obey_its_bounds(kind: FaultKind) -> None:
    for name, arg in kind.args.items():
        if arg.default is not None:
            assert arg.kind.read(arg.default) == arg.default, name
    until = 2.0 if kind.lasts is Lasts.SPAN else None
    for sort in kind.targets:
        fault = Fault(1.0, kind.name, TARGETS[sort], until, required(kind))
        assert list(fault.args) == [*kind.defaults, *required(kind)]
    assert kind.targets
    assert Sort.ZONE not in kind.targets


def test_each_kind_can_be_injected() -> None:
    assert {*INJECTORS} == {*KINDS}
