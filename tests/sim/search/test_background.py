"""What stands: begun and not ended, each thing by itself."""

import pytest

from trio_lb.sim.happening import What
from trio_lb.sim.search.background import Background
from trio_lb.sim.trace import TraceEvent


def event(what: What, *values: int | str, entity: str = "lb", seq: int = 1) -> TraceEvent:
    return TraceEvent(seq, seq, what.name, entity, 0, 0, values)


PAIRS = [
    (event(What.INJECT, "slow", 3, "{}"), event(What.HEALED, "slow", 3, entity="sim")),
    (event(What.EJECT, "s1", "api", "5xx", 1), event(What.READMIT, "s1", "api")),
    (event(What.OPEN, "s1", "api", "errors", 1), event(What.CLOSE, "s1", "api", "probes")),
    (event(What.HALF_OPEN, "s1", "api"), event(What.CLOSE, "s1", "api", "probes")),
    (event(What.DRAIN, "s1", "api"), event(What.RESUME, "s1", "api")),
    (event(What.DRAIN, "s1", "api"), event(What.DRAINED, "s1", "api", 1)),
    (event(What.FAIL_OPEN, "api", "few"), event(What.FAIL_CLOSED, "api")),
    (event(What.HEALTH, "s1", "api", 0, "refused"), event(What.HEALTH, "s1", "api", 1, "")),
]


@pytest.mark.parametrize(("begin", "end"), PAIRS, ids=[f"{a.kind}-{b.kind}" for a, b in PAIRS])
def test_what_began_stands_until_it_ends(begin: TraceEvent, end: TraceEvent) -> None:
    background = Background()
    assert background.heed(begin)
    assert background.standing == [begin]
    assert background.heed(end)
    assert background.standing == []


def test_servers_pools_and_balancers_are_told_apart() -> None:
    background = Background()
    several = [
        event(What.EJECT, "s1", "api", seq=1),
        event(What.EJECT, "s2", "api", seq=2),
        event(What.EJECT, "s1", "web", seq=3),
        event(What.EJECT, "s1", "api", entity="lb2", seq=4),
    ]
    for each in several:
        background.heed(each)
    background.heed(event(What.READMIT, "s1", "api"))
    assert background.standing == several[1:]


def test_a_half_open_breaker_is_no_longer_an_open_one() -> None:
    background = Background()
    background.heed(event(What.OPEN, "s1", "api", "errors", 1))
    half = event(What.HALF_OPEN, "s1", "api", seq=2)
    background.heed(half)
    assert background.standing == [half]


def test_what_passes_is_told_and_does_not_stand() -> None:
    background = Background()
    assert background.heed(event(What.NO_SERVER, "api"))
    assert not background.heed(event(What.PROBE, 200))
    assert not background.heed(event(What.ACCEPT))
    assert background.standing == []
