"""Fail-open: a fault that servers share is told from servers that are dead."""

import pytest

from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, FailOpenEntered, FailOpenLeft
from trio_lb.policy.fail_open import TRANSITIONS, FailOpen, Signal, Trust, _Group
from trio_lb.policy.machine import Machine

WINDOW = 10.0


def pool_of(mode: str, *good: str) -> FailOpen:
    """A pool of servers that are good since the start; ``eu:a`` is server a of zone eu."""
    doubt = FailOpen("api", mode, WINDOW)
    for server in good:
        assert rise(doubt, server, 0.0) == []
    return doubt


def check(doubt: FailOpen, server: str, good: bool, refused: bool, now: float) -> list[Event]:
    zone, _, server_id = server.rpartition(":")
    return doubt.checked(server_id, zone or None, good, refused, now)


def fall(doubt: FailOpen, server: str, now: float) -> list[Event]:
    return check(doubt, server, False, False, now)


def die(doubt: FailOpen, server: str, now: float) -> list[Event]:
    return check(doubt, server, False, True, now)


def rise(doubt: FailOpen, server: str, now: float) -> list[Event]:
    return check(doubt, server, True, False, now)


def entered(at: float, reason: str) -> list[Event]:
    return [FailOpenEntered(at=at, pool="api", reason=reason)]


def left(at: float) -> list[Event]:
    return [FailOpenLeft(at=at, pool="api")]


def held(doubt: FailOpen) -> str:
    return "".join(sorted(doubt.statistics().held))


def test_servers_that_fall_together_are_held_until_checks_are_good_again() -> None:
    doubt = pool_of("auto", "a", "b", "c")
    assert fall(doubt, "a", 100.0) + fall(doubt, "b", 105.0) == []
    assert (doubt.holds("a"), doubt.is_holding) == (False, False)
    reason = "all 3 good servers failed their checks together"
    assert fall(doubt, "c", 110.0) == entered(110.0, reason)
    assert (held(doubt), doubt.statistics().reasons, doubt.deadline) == ("abc", (reason,), None)
    assert rise(doubt, "b", 300.0) == []
    assert (held(doubt), doubt.deadline) == ("ac", 310.0)
    assert rise(doubt, "a", 301.0) == []
    assert rise(doubt, "c", 302.0) == left(302.0)
    assert (doubt.is_holding, doubt.deadline) == (False, None)


def test_who_does_not_follow_within_a_window_is_believed_to_be_bad() -> None:
    doubt = pool_of("auto", "a", "b", "c")
    for server in "abc":
        fall(doubt, server, 100.0)
    rise(doubt, "a", 200.0)
    assert doubt.on_deadline(209.999) == []
    assert held(doubt) == "bc"
    assert doubt.on_deadline(210.0) == left(210.0)
    assert (held(doubt), doubt.deadline) == ("", None)


def test_when_checks_turn_bad_again_meanwhile_it_holds_on() -> None:
    doubt = pool_of("auto", "a", "b")
    fall(doubt, "a", 100.0)
    fall(doubt, "b", 100.0)
    rise(doubt, "a", 200.0)
    assert fall(doubt, "a", 205.0) == []
    assert (held(doubt), doubt.deadline) == ("ab", None)
    assert doubt.on_deadline(300.0) == []


def test_servers_that_fall_one_after_the_other_are_believed_to_be_bad() -> None:
    doubt = pool_of("auto", "a", "b", "c")
    assert [fall(doubt, server, at) for server, at in [("a", 0.0), ("b", 20.0)]] == [[], []]
    assert fall(doubt, "c", 40.0) == []
    assert not doubt.is_holding


def test_only_those_of_the_coincidence_are_held() -> None:
    doubt = pool_of("auto", "a", "b", "c")
    fall(doubt, "a", 0.0)
    fall(doubt, "b", 90.0)
    fall(doubt, "c", 100.0)
    assert held(doubt) == "bc"


def test_one_server_alone_shares_its_fault_with_nobody() -> None:
    doubt = pool_of("auto", "a")
    assert fall(doubt, "a", 100.0) == []
    assert not doubt.is_holding


def test_who_refuses_connections_is_dead_and_not_held() -> None:
    doubt = pool_of("auto", "a", "b")
    assert die(doubt, "a", 100.0) + die(doubt, "b", 100.0) == []
    assert not doubt.is_holding


def test_a_dead_server_does_not_hinder_that_the_others_are_held() -> None:
    doubt = pool_of("auto", "a", "b", "c")
    die(doubt, "a", 100.0)
    fall(doubt, "b", 100.0)
    fall(doubt, "c", 100.0)
    assert held(doubt) == "bc"


def test_two_of_which_one_is_dead_are_no_coincidence() -> None:
    doubt = pool_of("auto", "a", "b")
    assert fall(doubt, "a", 100.0) + die(doubt, "b", 100.0) == []
    assert not doubt.is_holding


@pytest.mark.parametrize("by_request", [False, True])
def test_a_refusal_ends_a_hold_at_once_and_for_good(by_request: bool) -> None:
    doubt = pool_of("auto", "a", "b")
    fall(doubt, "a", 100.0)
    fall(doubt, "b", 100.0)

    def refuse(server: str, now: float) -> list[Event]:
        return doubt.refused(server, now) if by_request else die(doubt, server, now)

    assert refuse("a", 101.0) == []
    assert held(doubt) == "b"
    assert refuse("b", 102.0) == left(102.0)
    assert fall(doubt, "a", 103.0) + fall(doubt, "b", 103.0) == []
    assert not doubt.is_holding


def test_a_refused_request_of_a_good_server_says_nothing_here() -> None:
    doubt = pool_of("auto", "a", "b")
    assert doubt.refused("a", 1.0) + doubt.refused("nobody", 1.0) == []
    fall(doubt, "a", 2.0)
    fall(doubt, "b", 2.0)
    assert held(doubt) == "ab"


def test_three_requests_in_a_row_without_an_answer_end_a_hold() -> None:
    doubt = pool_of("auto", "a", "b")
    fall(doubt, "a", 100.0)
    fall(doubt, "b", 100.0)
    assert [doubt.unanswered("a", 7, 101.0 + i) for i in range(2)] == [[], []]
    assert [doubt.unanswered("a", 8, 103.0 + i) for i in range(2)] == [[], []]
    assert held(doubt) == "ab", "a success between began the row anew"
    assert doubt.unanswered("a", 8, 105.0) == []
    assert held(doubt) == "b"
    assert [doubt.unanswered("b", 0, 106.0) for _ in range(3)] == [[], [], left(106.0)]
    assert doubt.unanswered("b", 0, 107.0) == []


def test_after_it_was_good_again_it_can_be_held_again() -> None:
    doubt = pool_of("auto", "a", "b")
    for server in "ab":
        die(doubt, server, 100.0)
        rise(doubt, server, 200.0)
        fall(doubt, server, 300.0)
    assert held(doubt) == "ab"


def test_who_was_never_good_is_not_held() -> None:
    doubt = pool_of("auto")
    for server in "abc":
        assert fall(doubt, server, 0.0) == []
    assert not doubt.is_holding


def test_a_zone_is_held_while_others_are_good() -> None:
    doubt = pool_of("auto", "eu:a", "eu:b", "us:c", "d")
    fall(doubt, "eu:a", 100.0)
    reason = "all 2 good servers of zone 'eu' failed their checks together"
    assert fall(doubt, "eu:b", 101.0) == entered(101.0, reason)
    assert held(doubt) == "ab"
    assert rise(doubt, "us:c", 102.0) == [], "c was good all along, and is of another zone"
    rise(doubt, "eu:a", 103.0)
    assert doubt.on_deadline(113.0) == left(113.0)


def test_a_zone_of_one_is_not_held() -> None:
    doubt = pool_of("auto", "eu:a", "us:b", "us:c")
    assert fall(doubt, "eu:a", 100.0) == []
    assert not doubt.is_holding


def test_when_the_rest_of_the_pool_falls_too_that_is_told_and_one_end_for_both() -> None:
    doubt = pool_of("auto", "eu:a", "eu:b", "us:c", "us:d")
    fall(doubt, "eu:a", 100.0)
    fall(doubt, "eu:b", 100.0)
    fall(doubt, "us:c", 500.0)
    assert fall(doubt, "us:d", 500.0) == entered(
        500.0, "all 4 good servers failed their checks together"
    )
    assert held(doubt) == "abcd"
    rise(doubt, "us:c", 600.0)
    assert rise(doubt, "us:d", 600.0) == [], "zone eu is held still"
    assert held(doubt) == "ab"
    rise(doubt, "eu:a", 700.0)
    assert rise(doubt, "eu:b", 700.0) == left(700.0)


def test_a_server_that_moves_to_another_zone_begins_anew_there() -> None:
    doubt = pool_of("auto", "eu:a", "eu:b", "us:c")
    fall(doubt, "eu:a", 100.0)
    fall(doubt, "eu:b", 100.0)
    rise(doubt, "eu:c", 101.0)
    assert doubt.deadline == 111.0, "a good check in zone eu"
    assert fall(doubt, "us:a", 102.0) == []
    assert held(doubt) == "b"


def test_always_ignores_checks_as_long_as_they_call_nobody_good() -> None:
    doubt = pool_of("true", "a", "b")
    assert fall(doubt, "a", 100.0) == []
    assert not doubt.is_holding
    assert fall(doubt, "b", 500.0) == entered(500.0, "no server is healthy")
    assert held(doubt) == "ab"
    assert fall(doubt, "c", 501.0) == []
    assert held(doubt) == "abc", "a newcomer that checks call bad"
    assert [doubt.unanswered("a", 0, 502.0) for _ in range(9)] == [[]] * 9
    assert rise(doubt, "b", 503.0) == left(503.0)


def test_always_does_not_ask_who_refuses() -> None:
    doubt = pool_of("true", "a", "b")
    die(doubt, "a", 100.0)
    assert die(doubt, "b", 100.0) == []
    assert not doubt.is_holding
    assert fall(doubt, "a", 101.0) == entered(101.0, "no server is healthy")
    assert held(doubt) == "a"
    assert doubt.refused("a", 102.0) == left(102.0)


def test_never_holds_nobody() -> None:
    doubt = pool_of("false", "a", "b")
    assert fall(doubt, "a", 1.0) + fall(doubt, "b", 1.0) == []
    assert not doubt.is_holding


def test_a_forgotten_server_takes_its_hold_with_it() -> None:
    doubt = pool_of("auto", "a", "b")
    fall(doubt, "a", 1.0)
    fall(doubt, "b", 1.0)
    assert doubt.forget("a", 2.0) == []
    assert doubt.forget("b", 3.0) == left(3.0)
    assert doubt.forget("b", 4.0) == []
    assert doubt.snapshot() == {"checks": {}, "groups": [], "holds": {}}


@pytest.mark.parametrize("mode", ["auto", "true"])
def test_when_the_last_good_one_is_taken_out_by_hand_the_fallen_are_held(mode: str) -> None:
    doubt = pool_of(mode, "a", "b", "c")
    fall(doubt, "a", 1.0)
    fall(doubt, "b", 1.0)
    assert len(doubt.forget("c", 2.0)) == 1
    assert held(doubt) == "ab"


def test_that_does_not_hold_anybody_where_nobody_is_to_be_held() -> None:
    doubt = pool_of("false", "a", "b", "c")
    fall(doubt, "a", 1.0)
    fall(doubt, "b", 1.0)
    assert doubt.forget("c", 2.0) == []
    assert not doubt.is_holding


def test_a_held_one_that_leaves_leaves_the_others_held() -> None:
    doubt = pool_of("auto", "a", "b", "c")
    for server in "abc":
        fall(doubt, server, 1.0)
    assert doubt.forget("c", 2.0) == []
    assert held(doubt) == "ab"


def test_each_zone_has_its_own_patience() -> None:
    doubt = pool_of("auto", "eu:a", "eu:b", "us:c", "us:d", "e")
    for server in ("eu:a", "eu:b", "us:c", "us:d"):
        fall(doubt, server, 100.0)
    rise(doubt, "eu:a", 201.0)
    rise(doubt, "us:c", 205.0)
    assert (held(doubt), doubt.deadline) == ("bd", 211.0)
    assert doubt.on_deadline(211.0) == []
    assert (held(doubt), doubt.deadline) == ("d", 215.0)
    assert doubt.on_deadline(215.0) == left(215.0)


def test_another_mode_begins_with_nobody_held() -> None:
    doubt = pool_of("auto", "a", "b")
    fall(doubt, "a", 1.0)
    fall(doubt, "b", 1.0)
    rise(doubt, "a", 2.0)
    assert doubt.configure("auto", 5.0, 3.0) == []
    assert held(doubt) == "b"
    assert doubt.configure("false", 5.0, 3.0) == left(3.0)
    fall(doubt, "a", 4.0)
    assert doubt.configure("true", 5.0, 5.0) == entered(5.0, "no server is healthy")
    assert (held(doubt), doubt.deadline) == ("ab", None)


def test_a_snapshot_keeps_everything() -> None:
    old = pool_of("auto", "eu:a", "eu:b", "us:c", "us:d")
    for server in ("eu:a", "eu:b", "us:c"):
        fall(old, server, 100.0)
    rise(old, "eu:a", 101.0)
    old.unanswered("b", 5, 102.0)
    new = FailOpen("api", "auto", WINDOW)
    new.restore(old.snapshot())
    machine: Machine = new
    assert (machine.deadline, held(new)) == (111.0, "b")
    assert new.snapshot() == old.snapshot()
    assert machine.on_deadline(111.0) == left(111.0)


@pytest.mark.parametrize("state", Trust)
@pytest.mark.parametrize("signal", Signal)
def test_what_the_table_does_not_draw_is_our_bug(state: Trust, signal: Signal) -> None:
    doubt, group = FailOpen("api"), _Group(None, state)
    if signal in TRANSITIONS[state]:
        doubt._take(group, signal)
        assert group.trust is TRANSITIONS[state][signal]
    else:
        with pytest.raises(IllegalTransition, match=f"{signal.name} in {state.name}"):
            doubt._take(group, signal)
