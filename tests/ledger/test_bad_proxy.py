"""The whole harness against a proxy that breaks one rule: it is caught, and only at that."""

import attrs
import pytest

from benchmarks.ledger.accounts import examples
from benchmarks.ledger.crowd import Pace
from benchmarks.ledger.fleet import Temper
from benchmarks.ledger.scenarios import BY_NAME
from benchmarks.ledger.stage import perform
from tests.ledger.bad_proxy import EVERY, Bad, Fault

pytestmark = pytest.mark.real

REQUESTS = 100
# Answers are long enough to name their request still when they are cut short.
QUICK = attrs.evolve(
    BY_NAME["calm"],
    temper=Temper(delay_seconds=0.0),
    pace=Pace(rate=2000.0),
    answer_bytes=(200, 4000),
)

CAUGHT = {
    Fault.NONE: set(),
    Fault.TWICE: {"L2", "L3"},
    Fault.SHORT: {"L3"},
    Fault.SWAPPED: {"L4"},
    Fault.STRAY: {"L4"},
    Fault.LIE: {"L1"},
    Fault.DENIAL: {"L5"},
    Fault.CHANGED: {"L3"},
    Fault.UNLOGGED: {"L6"},
}


@pytest.mark.parametrize("fault", Fault)
async def test_a_proxy_is_caught_at_what_it_does_wrong(fault: Fault) -> None:
    run = await perform(QUICK, Bad(fault), requests=REQUESTS, check_release=False)
    assert {each.rule.name for each in run.violations} == CAUGHT[fault], list(
        examples(run.violations)
    )
    if fault is Fault.SHORT:
        assert len(run.violations) == len(run.books.intents) // EVERY, "each one, and no other"
