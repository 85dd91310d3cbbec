"""An ordinary day: nothing fails, and everybody gets a share."""

from tests.sim.scenarios.support import run_scenario


def test_nothing_happens_on_an_ordinary_day() -> None:
    result = run_scenario("fleet").require()
    figures = result.figures()
    assert figures.success_fraction == 1.0
    assert result.faults == ()


def test_options_make_it_larger() -> None:
    result = run_scenario("fleet", options={"servers": 3, "rate": 5.0}).require()
    assert len(result.figures().tally.servers) == 3
