"""The ledger's stories on our own proxy, short: nothing accepted is lost, over real sockets.

The long form, beside other proxies, is `python -m benchmarks.ledger`.
"""

import pytest

from benchmarks.ledger.accounts import examples
from benchmarks.ledger.proxies import TrioLB
from benchmarks.ledger.scenarios import BY_NAME
from benchmarks.ledger.stage import perform
from benchmarks.ledger.summary import figures_of, misses

pytestmark = pytest.mark.real

# How many requests a story needs for its faults to meet some. Where the servers' return
# belongs to the story, there are enough left to see it.
REQUESTS = {
    "calm": 150,
    "kill": 500,
    "race": 500,
    "rolling": 400,
    "frozen": 400,
    "errors": 1000,
    "outage": 450,
    "stop": 300,
    "half": 300,
    "abrupt": 500,
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_nothing_accepted_is_lost(name: str) -> None:
    scenario = BY_NAME[name]
    run = await perform(scenario, TrioLB(), requests=REQUESTS[name], check_release=False)
    figures = figures_of(run)
    assert list(examples(run.violations)) == []
    assert list(misses(figures, scenario.limits)) == [], figures
    if name == "half":
        assert figures.errors_by_kind["cut"] >= 1, "an unfinished answer is cut for the client too"


def test_every_scenario_is_played() -> None:
    assert set(REQUESTS) == set(BY_NAME)
