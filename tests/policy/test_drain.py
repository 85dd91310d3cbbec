"""Drain: it ends with the last request or with its patience, and can be called off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, ServerDrained, ServerDraining
from trio_lb.policy.drain import AT_ONCE, TRANSITIONS, DrainMachine, DrainState, Signal
from trio_lb.policy.machine import Machine


def drain() -> DrainMachine:
    return DrainMachine("api", "s1")


def drained(at: float, clean: bool) -> list[Event]:
    return [ServerDrained(at=at, pool="api", server_id="s1", clean=clean)]


def test_satisfies_the_contract_of_machines() -> None:
    machine: Machine = drain()
    assert machine.deadline is None
    assert machine.on_deadline(5.0) == []


def test_says_when_it_starts_and_until_when_it_is_patient() -> None:
    machine = drain()
    told = machine.start(10.0, expires_at=40.0, in_flight=2)
    assert told == [ServerDraining(at=10.0, pool="api", server_id="s1", deadline=40.0)]
    assert (machine.state, machine.is_active) == (DrainState.DRAINING, False)
    assert (machine.deadline, machine.expires_at) == (40.0, 40.0)


def test_is_due_at_once_when_nothing_is_in_flight() -> None:
    machine = drain()
    machine.start(10.0, expires_at=None, in_flight=0)
    assert machine.deadline == AT_ONCE
    assert machine.on_deadline(10.0) == drained(10.0, clean=True)
    assert machine.state is DrainState.DRAINED
    assert machine.deadline is None


def test_ends_clean_in_the_instant_in_which_the_last_request_ended() -> None:
    machine = drain()
    machine.start(10.0, expires_at=40.0, in_flight=1)
    assert machine.on_deadline(12.5) == []
    machine.emptied()
    assert machine.on_deadline(12.5) == drained(12.5, clean=True)


def test_ends_unclean_exactly_at_its_limit() -> None:
    machine = drain()
    machine.start(10.0, expires_at=40.0, in_flight=1)
    assert machine.on_deadline(39.999) == []
    assert machine.on_deadline(40.0) == drained(40.0, clean=False)


def test_a_second_request_to_drain_moves_the_limit_and_says_nothing() -> None:
    machine = drain()
    machine.start(10.0, expires_at=40.0, in_flight=1)
    assert machine.start(11.0, expires_at=12.0, in_flight=1) == []
    assert machine.deadline == 12.0
    machine.on_deadline(12.0)
    assert machine.start(13.0, expires_at=50.0, in_flight=0) == []
    assert machine.state is DrainState.DRAINED


@pytest.mark.parametrize("ended", [False, True])
def test_can_be_taken_back_into_rotation_before_and_after_its_end(ended: bool) -> None:
    machine = drain()
    machine.start(10.0, expires_at=40.0, in_flight=0 if ended else 1)
    machine.on_deadline(10.0)
    machine.resume()
    assert (machine.state, machine.deadline, machine.expires_at) == (DrainState.ACTIVE, None, None)
    machine.resume()
    assert machine.is_active


def test_survives_a_hand_over() -> None:
    old, new = drain(), drain()
    old.start(10.0, expires_at=40.0, in_flight=3)
    new.restore(old.snapshot())
    assert new.snapshot() == old.snapshot()
    assert new.on_deadline(40.0) == drained(40.0, clean=False)


@pytest.mark.parametrize("state", DrainState)
@pytest.mark.parametrize("signal", Signal)
def test_each_state_takes_each_signal_as_the_table_says_or_refuses_it(
    state: DrainState, signal: Signal
) -> None:
    machine = drain()
    machine.restore({"state": state.value})
    target = TRANSITIONS[state].get(signal)
    if target is None:
        with pytest.raises(IllegalTransition, match=f"api/s1: {signal.name} while {state.name}"):
            machine._take(signal)
    else:
        machine._take(signal)
        assert machine.state is target


steps = st.lists(st.sampled_from(["start", "emptied", "resume", "tick"]), max_size=30)


@given(steps, st.integers(0, 2), st.none() | st.floats(0.5, 20.0))
def test_after_any_history_only_a_draining_server_has_a_deadline_and_ends_are_announced_once(
    history: list[str], in_flight: int, patience: float | None
) -> None:
    machine = drain()
    told: list[Event] = []
    for second, step in enumerate(history):
        now = float(second)
        if step == "start":
            until = None if patience is None else now + patience
            told += machine.start(now, expires_at=until, in_flight=in_flight)
        elif step == "tick":
            told += machine.on_deadline(now)
        else:
            getattr(machine, step)()
        assert machine.deadline is None or machine.state is DrainState.DRAINING
        ends = [e for e in told if isinstance(e, ServerDrained)]
        starts = [e for e in told if isinstance(e, ServerDraining)]
        assert len(starts) - len(ends) in (0, 1) or "resume" in history
        assert len(ends) <= len(starts)
