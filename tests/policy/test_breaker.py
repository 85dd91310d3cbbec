"""The breaker's life at exact instants; its laws under any interleaving."""

import pytest

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import (
    CircuitBreakerHalfOpened,
    CircuitBreakerOpened,
    CircuitBreakerReset,
)
from trio_lb.policy.breaker import TRANSITIONS, Breaker, BreakerState, Signal
from trio_lb.policy.breaker_settings import BreakerThresholds


def breaker(**settings: float) -> Breaker:
    """A breaker that trips at five failures in a row, unless told otherwise."""
    wanted = {"failure_threshold": 5, **settings}
    return Breaker("api", "a", BreakerThresholds(**wanted))  # type: ignore[arg-type] # mixed kinds


def test_its_whole_life_at_exact_instants() -> None:
    b = breaker()
    told = [e for i in range(5) for e in b.observe(True, 7.0 + i, 6.9 + i)]
    told += b.on_deadline(40.999)
    told += b.on_deadline(41.0)
    for second in (42.0, 43.0, 44.0):
        b.begin_trial()
        told += b.observe(False, second, second)
        b.end_trial()
    assert told == [
        CircuitBreakerOpened(
            at=11.0, pool="api", server_id="a", reason="5 failures in a row", until=41.0
        ),
        CircuitBreakerHalfOpened(at=41.0, pool="api", server_id="a"),
        CircuitBreakerReset(at=44.0, pool="api", server_id="a", reason="3 trials went well"),
    ]


@pytest.mark.parametrize("state", BreakerState)
@pytest.mark.parametrize("signal", Signal)
def test_what_the_table_does_not_draw_is_our_bug(state: BreakerState, signal: Signal) -> None:
    b = breaker()
    b.restore({"state": state.value})
    if signal in TRANSITIONS[state]:
        b._take(signal, 1.0, "")
        assert b.state is TRANSITIONS[state][signal]
    else:
        with pytest.raises(IllegalTransition, match=f"{signal.name} in {state.name}"):
            b._take(signal, 1.0, "")
