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
    "calm": 300,
    "kill": 700,
    "race": 900,
    "rolling": 600,
    "frozen": 500,
    "errors": 1500,
    "outage": 600,
    "stop": 500,
    "half": 500,
    "abrupt": 700,
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_nothing_accepted_is_lost(name: str) -> None:
    scenario = BY_NAME[name]
    run = await perform(scenario, TrioLB(), requests=REQUESTS[name], check_release=False)
    figures = figures_of(run)
    assert list(examples(run.violations)) == []
    assert list(misses(figures, scenario.limits)) == [], figures


async def test_an_answer_that_its_server_did_not_finish_is_cut_for_the_client_too() -> None:
    run = await perform(BY_NAME["half"], TrioLB(), requests=300, seed=1, check_release=False)
    assert figures_of(run).errors_by_kind["cut"] >= 1
    assert list(examples(run.violations)) == []


def test_every_scenario_is_played() -> None:
    assert set(REQUESTS) == set(BY_NAME)
