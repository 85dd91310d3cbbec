"""Fail-open: a fault that servers share is told from servers that are dead."""

import pytest

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, FailOpenEntered, FailOpenLeft
from trio_lb.policy.fail_open import TRANSITIONS, FailOpen, FailOpenMode, Signal, Trust, _Group


def machine(mode: FailOpenMode = "auto", *good: str) -> FailOpen:
    """A pool of servers that are good since the start, without zones."""
    doubt = FailOpen("api", mode, 10.0)
    for server_id in good:
        assert doubt.checked(server_id, None, True, False, 0.0) == []
    return doubt


def falls(doubt: FailOpen, server_id: str, now: float, *, refused: bool = False) -> list[Event]:
    return doubt.checked(server_id, None, False, refused, now)


def rises(doubt: FailOpen, server_id: str, now: float) -> list[Event]:
    return doubt.checked(server_id, None, True, False, now)


def test_servers_that_fall_together_are_held_until_checks_are_good_again() -> None:
    doubt = machine("auto", "a", "b")
    assert falls(doubt, "a", 100.0) == []
    assert not doubt.holds("a")
    assert falls(doubt, "b", 105.0) == [
        FailOpenEntered(
            at=105.0, pool="api", reason="all 2 good servers failed their checks together"
        )
    ]
    assert (doubt.holds("a"), doubt.holds("b")) == (True, True)
    assert rises(doubt, "a", 300.0) == []
    assert (doubt.holds("b"), doubt.deadline) == (True, 310.0)
    assert rises(doubt, "b", 301.0) == [FailOpenLeft(at=301.0, pool="api")]
    assert (doubt.is_holding, doubt.deadline) == (False, None)


def test_who_refuses_connections_is_dead_and_not_held() -> None:
    doubt = machine("auto", "a", "b")
    assert falls(doubt, "a", 100.0, refused=True) + falls(doubt, "b", 100.0, refused=True) == []
    assert not doubt.is_holding


@pytest.mark.parametrize("state", Trust)
@pytest.mark.parametrize("signal", Signal)
def test_what_the_table_does_not_draw_is_our_bug(state: Trust, signal: Signal) -> None:
    doubt, group = machine(), _Group(None, state)
    if signal in TRANSITIONS[state]:
        doubt._take(group, signal)
        assert group.trust is TRANSITIONS[state][signal]
    else:
        with pytest.raises(IllegalTransition, match=f"{signal.name} in {state.name}"):
            doubt._take(group, signal)
