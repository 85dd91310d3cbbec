"""Slow start: the staircase at exact instants, for whom it is meant, and its laws."""

import pytest

from trio_lb.model.errors import IllegalTransition
from trio_lb.policy.machine import Machine
from trio_lb.policy.slow_start import STEPS, TRANSITIONS, RampState, Signal, SlowStart


def climb(ramps: SlowStart, server_id: str) -> list[tuple[float, int]]:
    """Serve every deadline; return the instants and the steps of one server."""
    steps = []
    while ramps.deadline is not None:
        now = ramps.deadline
        assert ramps.on_deadline(now) == ()
        steps += [(now, ramps.step_of(server_id))] if server_id in ramps.changed else []
    return steps


def test_a_server_that_returns_climbs_in_ten_steps() -> None:
    ramps = SlowStart(30.0)
    ramps.begin("a", 100.0)
    assert (ramps.ramp_of("a"), ramps.ramp_of("b")) == (0.1, 1.0)
    assert climb(ramps, "a") == [
        (106.0, 2), (109.0, 3), (112.0, 4), (115.0, 5), (118.0, 6),
        (121.0, 7), (124.0, 8), (127.0, 9), (130.0, 10),
    ]  # fmt: skip
    assert (ramps.ramp_of("a"), ramps.is_ramping) == (1.0, False)


@pytest.mark.parametrize("state", RampState)
@pytest.mark.parametrize("signal", Signal)
def test_what_the_table_does_not_draw_is_our_bug(state: RampState, signal: Signal) -> None:
    ramps = SlowStart(10.0)
    ramps.restore({"servers": {"a": {"state": state.value}}})
    if signal in TRANSITIONS[state]:
        ramps._take("a", signal)
        assert (
            ramps._ramps.get("a") is None or ramps._ramps["a"].state is TRANSITIONS[state][signal]
        )
    else:
        with pytest.raises(IllegalTransition, match=f"{signal.name} in {state.name}"):
            ramps._take("a", signal)


def test_a_snapshot_keeps_ramps_where_they_are() -> None:
    old = SlowStart(10.0)
    old.presume_warm(["b"])
    old.begin("a", 0.0)
    old.on_deadline(5.0)
    new = SlowStart(10.0)
    new.restore(old.snapshot())
    machine: Machine = new
    assert (machine.deadline, new.step_of("a")) == (6.0, STEPS // 2)
    assert new.snapshot() == old.snapshot()
