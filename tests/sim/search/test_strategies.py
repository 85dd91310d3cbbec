"""Strategies: legal faults within the horizon, and examples that shrink to the least."""

import subprocess
import sys

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.sim.faults.support import WORLD
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.record import Fault
from trio_lb.sim.faults.shape import Lasts
from trio_lb.sim.search.strategies import faults, schedules, search_settings
from trio_lb.sim.search.targets import Field, kinds_that_hit

FIELD = Field(WORLD, resolvers={"api.local": ("s4",)})
HORIZON = 60.0


@given(faults(FIELD, HORIZON))
def test_a_fault_is_legal_hits_what_is_there_and_is_healed_by_the_end(fault: Fault) -> None:
    kind = KINDS[fault.kind]
    assert Fault.from_data(fault.to_data()) == fault
    assert fault.target in FIELD.targets(kind)
    assert 0 <= fault.at < HORIZON
    assert (fault.until is None) == (kind.lasts is Lasts.INSTANT)
    assert fault.until is None or fault.at < fault.until <= HORIZON


@given(schedules(FIELD, HORIZON, most_faults=3))
def test_a_schedule_stands_by_instant_and_is_no_longer_than_wanted(several: list[Fault]) -> None:
    assert len(several) <= 3
    assert [fault.at for fault in several] == sorted(fault.at for fault in several)


@given(st.data(), st.sampled_from([kind.name for kind in kinds_that_hit(FIELD)]))
def test_only_the_kinds_that_were_named_are_drawn(data: st.DataObject, kind: str) -> None:
    assert data.draw(faults(FIELD, HORIZON, kinds=[kind])).kind == kind


def test_an_example_shrinks_to_an_early_short_fault_with_default_arguments() -> None:
    least = find(
        schedules(FIELD, HORIZON),
        lambda several: any(fault.kind == "latency" for fault in several),
        settings=search_settings(500, derandomize=True),
    )
    assert [each.to_data() for each in least] == [
        {
            "at": 0.0,
            "kind": "latency",
            "target": {"link": ["lb", "s1"]},
            "until": 0.001,
            "args": {"shift": 0.1, "way": "both"},
        }
    ]


def test_the_settings_generate_and_shrink_without_a_deadline() -> None:
    made = search_settings(7, derandomize=True)
    assert made.phases == (Phase.generate, Phase.shrink)
    assert (made.max_examples, made.deadline, made.derandomize) == (7, None, True)
    assert isinstance(made, settings)


@pytest.mark.parametrize(
    ("kinds", "horizon", "says"),
    [
        (["abort"], 60.0, "no kind of fault finds a target: 60 s, kinds abort"),
        (None, 0.0, "there is no time for a fault: 0 s, kinds all"),
    ],
)
def test_where_no_fault_is_possible_that_is_said_at_once(
    kinds: list[str] | None, horizon: float, says: str
) -> None:
    nobody = Field(type(WORLD)(clients=()))
    with pytest.raises(ValueError, match=says):
        faults(nobody, horizon, kinds=kinds)


def test_importing_loads_no_hypothesis_and_without_it_the_advice_is_clear() -> None:
    program = (
        "import sys; from trio_lb.sim.search import strategies\n"
        "assert 'hypothesis' not in sys.modules\n"
        "sys.modules['hypothesis'] = None\n"
        "try: strategies.search_settings()\n"
        "except ImportError as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == (
        "trio_lb.sim.search.strategies needs Hypothesis, which is not installed;"
        " install 'hypothesis', or draw faults with trio_lb.sim.search.swarm\n"
    )
