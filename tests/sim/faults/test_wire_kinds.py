"""The faults of the wire, family by family."""

from trio_lb.sim.faults.shape import Lasts
from trio_lb.sim.faults.target import Sort
from trio_lb.sim.faults.wire_kinds import connect_kinds, link_kinds, stream_kinds


def test_links_can_be_hurt_in_these_ways() -> None:
    names = "latency jitter bandwidth bufferbloat loss flap partition jam swizzle_clog"
    assert [kind.name for kind in link_kinds()] == names.split()
    assert {kind.targets for kind in link_kinds()} == {(Sort.LINK,)}


def test_connecting_can_fail_in_these_ways() -> None:
    names = "refuse blackhole backlog_full slow_accept port_exhaustion out_of_descriptors"
    assert [kind.name for kind in connect_kinds()] == names.split()


def test_a_stream_is_broken_at_once_or_for_a_while() -> None:
    assert [kind.name for kind in stream_kinds() if kind.lasts is Lasts.INSTANT] == [
        "reset",
        "half_open",
    ]
    assert len(stream_kinds()) == 9
