"""Slow start: the staircase at exact instants, for whom it is meant, and its laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

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
    assert (ramps.ramp_of("a"), ramps.ramp_of("b"), ramps.is_ramping) == (0.1, 1.0, True)
    assert climb(ramps, "a") == [
        (106.0, 2), (109.0, 3), (112.0, 4), (115.0, 5), (118.0, 6),
        (121.0, 7), (124.0, 8), (127.0, 9), (130.0, 10),
    ]  # fmt: skip
    assert (ramps.ramp_of("a"), ramps.is_ramping) == (1.0, False)
    assert ramps.snapshot() == {"servers": {}}, "nothing is left of it"


def test_an_early_call_changes_nothing_and_a_late_one_makes_up_for_it() -> None:
    ramps = SlowStart(30.0)
    ramps.begin("a", 100.0)
    ramps.on_deadline(105.999)
    assert (ramps.changed, ramps.step_of("a")) == ((), 1)
    ramps.on_deadline(120.0)
    assert (ramps.changed, ramps.step_of("a"), ramps.deadline) == (("a",), 6, 121.0)


def test_each_server_has_its_own_ramp() -> None:
    ramps = SlowStart(10.0)
    ramps.begin("a", 0.0)
    ramps.begin("b", 4.0)
    assert ramps.deadline == 2.0
    ramps.on_deadline(6.0)
    assert (ramps.changed, ramps.step_of("a"), ramps.step_of("b")) == (("a", "b"), 6, 2)
    ramps.on_deadline(6.5)
    assert ramps.changed == ()


def test_every_return_begins_anew() -> None:
    ramps = SlowStart(10.0)
    ramps.begin("a", 0.0)
    ramps.on_deadline(5.0)
    ramps.begin("a", 5.5)
    assert (ramps.step_of("a"), ramps.deadline) == (1, 7.5)
    ramps.forget("a")
    assert (ramps.step_of("a"), ramps.deadline) == (STEPS, None)
    ramps.begin("a", 100.0)
    assert (ramps.step_of("a"), ramps.deadline) == (1, 102.0)


def test_servers_that_return_together_climb_together() -> None:
    ramps = SlowStart(10.0)
    for server_id in "abc":
        ramps.begin(server_id, 0.0)
    while ramps.deadline is not None:
        ramps.on_deadline(ramps.deadline)
        assert ramps.changed == ("a", "b", "c")


def test_servers_of_the_first_plan_are_presumed_warm() -> None:
    ramps = SlowStart(10.0)
    ramps.presume_warm(["a", "b", "c"])
    ramps.begin("a", 0.1)
    ramps.begin("b", 0.2)
    assert (ramps.is_ramping, ramps.step_of("c")) == (False, STEPS)
    ramps.begin("a", 0.3)
    assert ramps.step_of("a") == 1, "it came back: now it is cold"


def test_but_not_who_is_found_out_of_order_first() -> None:
    ramps = SlowStart(10.0)
    ramps.presume_warm(["a"])
    ramps.forget("a")
    ramps.begin("a", 3.0)
    assert ramps.step_of("a") == 1


def test_a_presumption_ends_no_ramp() -> None:
    ramps = SlowStart(10.0)
    ramps.begin("a", 0.0)
    ramps.presume_warm(["a", "a"])
    assert ramps.step_of("a") == 1


def test_switched_off_nothing_is_remembered() -> None:
    ramps = SlowStart()
    ramps.presume_warm(["a"])
    assert ramps.snapshot() == {"servers": {}}
    ramps.begin("a", 0.0)
    assert (ramps.step_of("a"), ramps.deadline, ramps.changed) == (STEPS, None, ())
    ramps.restore({"servers": {"a": {"state": "ramping", "began_at": 0.0, "step": 1}}})
    assert ramps.snapshot() == {"servers": {}}


def test_a_ramp_may_be_shorter_than_a_second() -> None:
    ramps = SlowStart(60.0)
    ramps.begin("a", 0.0)
    ramps.configure(0.5, 0.25)
    assert (ramps.step_of("a"), climb(ramps, "a")[-1]) == (5, (0.5, STEPS))
    ramps.begin("a", 1.0)
    assert ramps.deadline == 1.1


def test_another_length_counts_from_the_start_of_each_ramp_and_takes_no_step_back() -> None:
    ramps = SlowStart(10.0)
    ramps.begin("a", 0.0)
    ramps.begin("b", 4.0)
    ramps.on_deadline(6.0)
    ramps.configure(20.0, 6.0)
    assert (ramps.changed, ramps.step_of("a"), ramps.deadline) == ((), 6, 10.0)
    ramps.configure(4.0, 6.0)
    assert (ramps.changed, ramps.step_of("a"), ramps.step_of("b")) == (("a", "b"), 10, 5)


def test_switching_it_off_gives_everybody_all() -> None:
    ramps = SlowStart(10.0)
    ramps.presume_warm(["b"])
    ramps.begin("a", 0.0)
    ramps.configure(0.0, 1.0)
    assert (ramps.changed, ramps.step_of("a"), ramps.deadline) == (("a",), STEPS, None)
    assert ramps.snapshot() == {"servers": {}}


def test_a_snapshot_keeps_ramps_where_they_are() -> None:
    old = SlowStart(10.0)
    old.presume_warm(["b"])
    old.begin("a", 0.0)
    old.on_deadline(5.0)
    new = SlowStart(10.0)
    snapshot = old.snapshot()
    new.restore({**snapshot, "of a later version": 1})
    machine: Machine = new
    assert (machine.deadline, new.step_of("a")) == (6.0, STEPS // 2)
    assert new.snapshot() == snapshot


@pytest.mark.parametrize("state", RampState)
@pytest.mark.parametrize("signal", Signal)
def test_what_the_table_does_not_draw_is_our_bug(state: RampState, signal: Signal) -> None:
    ramps = SlowStart(10.0)
    ramps.restore({"servers": {"a": {"state": state.value}}})
    if signal in TRANSITIONS[state]:
        assert ramps._take("a", signal) is state
        left = ramps._ramps.get("a")
        assert (left.state if left else RampState.FULL) is TRANSITIONS[state][signal]
    else:
        with pytest.raises(IllegalTransition, match=f"{signal.name} in {state.name}"):
            ramps._take("a", signal)


@given(st.floats(0.1, 1000), st.floats(0, 1e6), st.lists(st.floats(0, 50), max_size=60))
def test_law_a_share_never_falls_and_is_the_staircase_below_the_line(
    seconds: float, began_at: float, waits: list[float]
) -> None:
    ramps, now, last = SlowStart(seconds), began_at, 0.0
    ramps.begin("a", now)
    for wait in waits:
        now += wait
        ramps.on_deadline(now)
        share, line = ramps.ramp_of("a"), (now - began_at) / seconds
        assert last <= share <= 1.0
        assert share <= max(1 / STEPS, line) + 1e-6
        assert share >= min(line, 1.0) - 1 / STEPS - 1e-6
        last = share


servers = st.sampled_from("abcd")


class Life(RuleBasedStateMachine):
    """Any comings and goings: each ramp is where its own start says, and no deadline is missed."""

    SECONDS = 20.0  # a step each two seconds: exact in binary

    def __init__(self) -> None:
        super().__init__()
        self.ramps = SlowStart(self.SECONDS)
        self.now = 0.0
        self.presumed: set[str] = set()
        self.began: dict[str, float] = {}

    def expected(self, server_id: str) -> int:
        elapsed = self.now - self.began.get(server_id, -1e9)
        return int(min(max(elapsed // 2, 1), STEPS))

    @rule(server_id=servers)
    def returns(self, server_id: str) -> None:
        self.ramps.begin(server_id, self.now)
        if server_id in self.presumed:
            self.presumed.remove(server_id)
        else:
            self.began[server_id] = self.now

    @rule(server_id=servers)
    def leaves(self, server_id: str) -> None:
        self.ramps.forget(server_id)
        self.presumed.discard(server_id)
        self.began.pop(server_id, None)

    @rule(server_id=servers)
    def stands_in_the_first_plan(self, server_id: str) -> None:
        self.ramps.presume_warm([server_id])
        if self.expected(server_id) == STEPS:
            self.presumed.add(server_id)

    @rule(eighths=st.integers(0, 100))
    def time_passes(self, eighths: int) -> None:
        until = self.now + eighths / 8
        while self.ramps.deadline is not None and self.ramps.deadline <= until:
            assert self.ramps.deadline > self.now or eighths == 0
            before = {i: self.ramps.step_of(i) for i in "abcd"}
            self.now = self.ramps.deadline
            self.ramps.on_deadline(self.now)
            changed = [i for i in "abcd" if self.ramps.step_of(i) != before[i]]
            assert sorted(self.ramps.changed) == changed != []
        self.now = until

    @rule()
    def reload(self) -> None:
        fresh = SlowStart(self.SECONDS)
        fresh.restore(self.ramps.snapshot())
        assert fresh.snapshot() == self.ramps.snapshot()
        assert fresh.deadline == self.ramps.deadline
        self.ramps = fresh

    @invariant()
    def each_is_on_its_step(self) -> None:
        assert [self.ramps.step_of(i) for i in "abcd"] == [self.expected(i) for i in "abcd"]
        assert self.ramps.is_ramping is any(self.expected(i) < STEPS for i in "abcd")


Life.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
