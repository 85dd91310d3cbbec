"""The corpus against our proxy: over the virtual network, and over the loopback.

On the virtual network each case has a proxy of its own and the product's timeouts, in
virtual time. On the loopback one proxy serves all cases, one after the other, so that
a case can also be disturbed by what another left behind.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.conformance import peers
from tests.conformance.cases import CASES
from tests.conformance.judge import verdict
from tests.conformance.ours import open_ours, open_virtual_stage
from tests.conformance.script import Case, Direction
from tests.conformance.seen import Seen
from tests.conformance.stage import play
from tests.support.clock import run_in_virtual_time
from tests.support.leaks import find_leaks
from trio_lb.app.middleware import Middleware
from trio_lb.config.schema import Config
from trio_lb.sim.network import VirtualNetwork

ROOT = Path(__file__).resolve().parents[2]
BY_ID = {case.id: case for case in CASES}


async def play_virtually(
    case: Case,
    change: Callable[[Config], Config] = lambda plan: plan,
    middleware: Sequence[Middleware] = (),
) -> tuple[Seen, list[str]]:
    """One case on a network of its own; what it left open is given beside what was seen."""
    net = VirtualNetwork(seed=0)
    async with open_virtual_stage(net, change, middleware) as stage:
        seen = await play(case, stage)
    return seen, await find_leaks(net)


@pytest.mark.parametrize("name", BY_ID)
def test_conforms_over_the_virtual_network(name: str) -> None:
    seen, leaks = run_in_virtual_time(lambda: play_virtually(BY_ID[name]))
    assert verdict(BY_ID[name], seen) == [], "\n".join(seen.story())
    assert leaks == []


@pytest.fixture(scope="module")
def loopback(request: pytest.FixtureRequest) -> Mapping[str, list[str]]:
    """Every case that was asked for, played once against one proxy on the loopback."""
    asked = {item.name.partition("[")[2][:-1] for item in request.session.items}
    cases = [case for case in CASES if case.id in asked]

    async def main() -> dict[str, list[str]]:
        with trio.fail_after(len(cases) * 5 + 10):
            return await peers.run(open_ours, cases, wait_all_tasks_blocked)

    return trio.run(main)


@pytest.mark.timeout(300)  # the first of them waits for all
@pytest.mark.parametrize("name", BY_ID)
def test_conforms_over_the_loopback(name: str, loopback: Mapping[str, list[str]]) -> None:
    assert loopback[name] == []


def test_the_corpus_can_fail() -> None:
    """A pass-through keeps no promise of a proxy; themes that it passes whole prove nothing."""
    themes = {"hop-by-hop", "host", "response-stray", "transfer-encoding"}
    cases = [case for case in CASES if case.theme in themes]
    verdicts = trio.run(peers.run, peers.open_passthrough, cases[::4])
    assert sum(1 for wrong in verdicts.values() if wrong) > len(verdicts) * 0.7


def test_every_case_has_a_name_of_its_own_and_a_rule() -> None:
    assert len(BY_ID) == len(CASES)
    assert [case.id for case in CASES if not case.rule or not case.expect] == []


def test_both_directions_and_the_musts_are_well_covered() -> None:
    directions = Counter(case.direction for case in CASES)
    assert min(directions[Direction.REQUEST], directions[Direction.RESPONSE]) >= 150
    assert sum(case.must for case in CASES) >= 386


def test_the_documented_table_counts_the_corpus() -> None:
    table = (ROOT / "docs/conformance.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    counts = {row[1]: int(row[3]) for row in rows if len(row) == 9 and row[3].isdigit()}
    assert counts.pop("**all**") == len(CASES)
    assert counts == Counter(case.theme for case in CASES)
