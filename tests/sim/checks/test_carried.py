"""Clients whose requests balancers read, and those that they carry byte for byte."""

import pytest

from tests.sim.checks.support import MS, Play, world
from trio_lb.sim.checks import BytesExact, Check, InStep, NoCrosstalk
from trio_lb.sim.happening import What

BROKEN = [
    (NoCrosstalk, What.FAIL, ("alien", MS, 1)),
    (BytesExact, What.FAIL, ("garbled", MS, 1)),
    (BytesExact, What.FAIL, ("altered", MS, 1)),
    (InStep, What.NOTE, ("bytes that nobody asked for", 57)),
]


def said(
    check: Check,
    what: What,
    values: tuple[int | str, ...],
    *,
    read: bool,
    fault: bool,
    balanced: bool = True,
) -> int:
    """How often it objects to what came to a client."""
    play = Play(check, world() if balanced else None)
    if fault:
        play.tell(0.0, What.INJECT, "server:s1", "response_splitting", 0, "{}")
    play.tell(1.0, What.TRY, "web", 1, "GET", req=7)
    play.tell(1.0, What.TRY, "other", 1, "GET", req=8)
    play.tell(1.1, What.START, "lb", "c0ffee", req=7 if read else 8)
    play.tell(2.0, What.TRY, "web", 1, "GET", req=9)
    play.tell(3.0, what, "web", *values, req=9)
    return len(play.end())


@pytest.mark.parametrize(("law", "what", "values"), BROKEN)
def test_a_balancer_answers_for_what_it_reads_and_for_what_it_carries_while_servers_are_well(
    law: type[Check], what: What, values: tuple[int | str, ...]
) -> None:
    assert said(law(), what, values, read=True, fault=True) == 1
    assert said(law(), what, values, read=False, fault=False) == 1
    assert said(law(), what, values, read=False, fault=True) == 0
    assert said(law(), what, values, read=False, fault=True, balanced=False) == 1
