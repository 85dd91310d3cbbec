"""Outlier ejection: by contrast with the others, for longer each time, never everybody."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trio_lb.config.schema import OutlierConfig
from trio_lb.model.errors import IllegalTransition
from trio_lb.model.events import Event, ServerEjected, ServerReadmitted
from trio_lb.policy.machine import Machine
from trio_lb.policy.outlier import (
    EVIDENCE_SECONDS,
    TRANSITIONS,
    OutlierDetector,
    OutlierState,
    Signal,
)

ABC = ("a", "b", "c")
ROUNDING = 1e-6
"""What adding a duration to a late instant, and taking it away again, may cost."""


def detector(**settings: float) -> OutlierDetector:
    return OutlierDetector("api", OutlierConfig(**settings))  # type: ignore[arg-type] # mixed kinds


def fail(
    outlier: OutlierDetector,
    server_id: str,
    now: float,
    times: int = 1,
    pool: tuple[str, ...] = ABC,
) -> list[Event]:
    rotation = [i for i in pool if not outlier.is_ejected(i)]
    return [e for _ in range(times) for e in outlier.observe(server_id, True, now, rotation)]


def succeed(outlier: OutlierDetector, now: float, *server_ids: str) -> None:
    for server_id in server_ids:
        assert outlier.observe(server_id, False, now, ()) == []


def eject(outlier: OutlierDetector, server_id: str, now: float) -> ServerEjected:
    """Let one server fail five times while the others do well."""
    assert fail(outlier, server_id, now) == []
    succeed(outlier, now, *(i for i in ABC if i != server_id))
    told = fail(outlier, server_id, now, 4)
    assert len(told) == 1
    assert isinstance(told[0], ServerEjected)
    return told[0]


def test_five_failures_in_a_row_eject_a_server_while_others_succeed() -> None:
    outlier = detector()
    assert eject(outlier, "a", 7.0) == ServerEjected(
        at=7.0, pool="api", server_id="a", reason="5 failures in a row", until=12.0
    )
    assert outlier.is_ejected("a")
    assert outlier.deadline == 12.0


def test_a_success_in_between_begins_the_count_anew() -> None:
    outlier = detector()
    for second in range(20):
        assert fail(outlier, "a", second, 4) == []
        succeed(outlier, second, "a", "b")
    assert outlier.statistics().ejected == {}


def test_it_is_readmitted_exactly_when_the_ejection_ends() -> None:
    outlier = detector()
    eject(outlier, "a", 7.0)
    assert outlier.on_deadline(11.999) == []
    assert outlier.is_ejected("a")
    assert outlier.on_deadline(12.0) == [ServerReadmitted(at=12.0, pool="api", server_id="a")]
    assert (outlier.is_ejected("a"), outlier.deadline) == (False, None)


def test_an_early_readmission_keeps_the_number_of_ejections() -> None:
    outlier = detector()
    assert outlier.readmit("a", 6.0) == []
    eject(outlier, "a", 7.0)
    assert outlier.readmit("a", 8.0) == [ServerReadmitted(at=8.0, pool="api", server_id="a")]
    assert (outlier.is_ejected("a"), outlier.deadline) == (False, None)
    assert eject(outlier, "a", 20.0).until == 30.0


def test_each_ejection_lasts_twice_the_last_up_to_the_maximum() -> None:
    outlier, now, lasted = detector(), 0.0, []
    for _ in range(9):
        ended = eject(outlier, "a", now).until
        lasted.append(ended - now)
        outlier.on_deadline(ended)
        now = ended
    assert lasted == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def ejected_times(outlier: OutlierDetector, times: int) -> float:
    now = 0.0
    for _ in range(times):
        now = eject(outlier, "a", now).until
        outlier.on_deadline(now)
    return now


def test_each_base_period_of_good_answers_takes_one_doubling_back() -> None:
    outlier = detector()
    now = ejected_times(outlier, 3)
    for second in range(11):  # two periods of five seconds
        succeed(outlier, now + second, "a")
    assert eject(outlier, "a", now + 11).until == now + 11 + 10


def test_silence_takes_nothing_back() -> None:
    outlier = detector()
    now = ejected_times(outlier, 3) + 100_000.0
    assert eject(outlier, "a", now).until == now + 40


def test_two_good_answers_with_a_long_silence_between_take_back_one() -> None:
    outlier = detector()
    now = ejected_times(outlier, 3)
    succeed(outlier, now, "a")
    succeed(outlier, now + 100_000.0, "a")
    assert eject(outlier, "a", now + 100_001.0).until == now + 100_001.0 + 20


def test_a_period_with_more_failures_than_successes_is_not_good() -> None:
    outlier = detector()
    now = ejected_times(outlier, 3)
    for second in range(0, 60, 2):
        succeed(outlier, now + second, "a")
        assert fail(outlier, "a", now + second, 2) == []
    assert eject(outlier, "a", now + 60).until == now + 60 + 40


def test_after_enough_good_periods_the_past_is_forgotten() -> None:
    outlier = detector()
    now = ejected_times(outlier, 2)
    for second in range(0, 11, 5):
        succeed(outlier, now + second, "a")
    assert outlier.snapshot() == {"servers": {}}
    assert eject(outlier, "a", now + 20).until == now + 20 + 5


@pytest.mark.parametrize("order", ["abc" * 10, "a" * 10 + "b" * 10 + "c" * 10, "aaaaabaaaaac" * 3])
def test_a_burst_of_failures_from_all_servers_ejects_none(order: str) -> None:
    outlier = detector()
    assert [fail(outlier, server_id, 3.0) for server_id in order] == [[]] * len(order)
    assert outlier.statistics().spared_alike_total > 0


def test_all_servers_failing_at_once_after_good_times_ejects_none() -> None:
    outlier = detector()
    succeed(outlier, 1.0, *ABC)
    for server_id in "aaaaaaaabbbbbbbbcccccccc":
        assert fail(outlier, server_id, 1.1) == []


def test_when_the_others_recover_first_the_next_failure_ejects_the_one_that_did_not() -> None:
    outlier = detector()
    for server_id in "abc" * 9:
        assert fail(outlier, server_id, 3.0) == []
    succeed(outlier, 4.0, "b", "c")
    (event,) = fail(outlier, "a", 4.1)
    assert isinstance(event, ServerEjected)
    assert event.reason == "10 failures in a row"


def test_a_success_of_long_ago_is_no_evidence() -> None:
    outlier = detector()
    fail(outlier, "a", 0.0)
    succeed(outlier, 0.0, "b")
    assert fail(outlier, "a", EVIDENCE_SECONDS + 0.001, 9) == []
    succeed(outlier, EVIDENCE_SECONDS + 1, "b")
    assert len(fail(outlier, "a", EVIDENCE_SECONDS + 1)) == 1


def test_a_server_that_has_failed_since_its_success_is_no_evidence() -> None:
    outlier = detector()
    fail(outlier, "a", 0.0)
    succeed(outlier, 0.0, "b")
    assert fail(outlier, "b", 0.0) + fail(outlier, "a", 0.0, 9) == []


def test_a_success_of_a_server_that_is_out_is_no_evidence() -> None:
    outlier = detector()
    fail(outlier, "a", 0.0)
    succeed(outlier, 0.0, "b")
    assert fail(outlier, "a", 0.1, 9, pool=("a", "c")) == []


def test_the_last_usable_server_stays_however_it_fails() -> None:
    outlier = detector()
    assert fail(outlier, "a", 0.0, 100, pool=("a",)) == []
    eject(outlier, "c", 1.0)
    succeed(outlier, 1.0, "b")
    assert fail(outlier, "a", 1.0, 100, pool=("a", "c")) == []


def test_two_of_three_servers_are_not_out_at_once_by_half() -> None:
    outlier = detector()
    eject(outlier, "a", 0.0)
    fail(outlier, "b", 1.0)
    succeed(outlier, 1.0, "c")
    assert fail(outlier, "b", 1.0, 10) == []
    assert outlier.statistics().spared_share_total == 7


@pytest.mark.parametrize(("fraction", "allowed"), [(0.0, 0), (0.1, 10), (0.29, 29), (1.0, 99)])
def test_the_share_bounds_how_many_of_a_hundred_are_out(fraction: float, allowed: int) -> None:
    outlier, ids = detector(max_ejection_fraction=fraction), tuple(map(str, range(100)))
    for server_id in ids[1:]:
        fail(outlier, server_id, 1.0, pool=ids)
        succeed(outlier, 1.0, "0")
        fail(outlier, server_id, 1.0, 4, pool=ids)
    assert len(outlier.statistics().ejected) == allowed


def test_one_of_two_may_go_whatever_the_share() -> None:
    outlier = detector(max_ejection_fraction=0.1)
    fail(outlier, "a", 0.0, pool=("a", "b"))
    succeed(outlier, 0.0, "b")
    assert len(fail(outlier, "a", 0.0, 4, pool=("a", "b"))) == 1


def test_what_an_ejected_server_does_with_its_last_requests_is_not_counted() -> None:
    outlier = detector()
    eject(outlier, "a", 0.0)
    assert fail(outlier, "a", 1.0, 50) == []
    succeed(outlier, 1.0, "a")
    outlier.on_deadline(5.0)
    succeed(outlier, 5.5, "b")
    assert fail(outlier, "a", 6.0, 4) == [], "it returns with a clean count"


def test_a_server_that_is_out_for_another_reason_is_not_ejected_too() -> None:
    outlier = detector()
    fail(outlier, "a", 0.0)
    succeed(outlier, 0.0, "b", "c")
    assert fail(outlier, "a", 0.0, 20, pool=("b", "c")) == []


def test_an_ejection_that_is_overdue_is_ended_before_the_next_is_weighed() -> None:
    outlier = detector()
    eject(outlier, "a", 0.0)
    fail(outlier, "b", 30.0)
    succeed(outlier, 30.0, "c")
    told = fail(outlier, "b", 30.0, 4)
    assert [(type(e), e.at) for e in told] == [(ServerReadmitted, 30.0), (ServerEjected, 30.0)]


def test_chance_adds_up_to_a_tenth() -> None:
    ends = set()
    for seed in range(20):
        outlier = detector()
        fail(outlier, "a", 0.0)
        succeed(outlier, 0.0, "b")
        for _ in range(3):
            outlier.observe("a", True, 0.0, ABC)
        (event,) = outlier.observe("a", True, 0.0, ABC, Random(seed))
        assert isinstance(event, ServerEjected)
        ends.add(event.until)
    assert len(ends) == 20
    assert all(5.0 <= end <= 5.5 for end in ends)


def test_switched_off_it_ejects_nobody() -> None:
    outlier = OutlierDetector("api", OutlierConfig(enabled=False))
    fail(outlier, "a", 0.0)
    succeed(outlier, 0.0, "b")
    assert fail(outlier, "a", 0.0, 50) == []


def test_a_forgotten_server_leaves_nothing_behind() -> None:
    outlier = detector()
    eject(outlier, "a", 0.0)
    outlier.forget("a")
    assert (outlier.is_ejected("a"), outlier.deadline) == (False, None)
    assert outlier.on_deadline(100.0) == []
    assert outlier.snapshot() == {"servers": {}}


def test_a_snapshot_keeps_ejections_their_ends_and_their_number() -> None:
    old = detector()
    now = ejected_times(old, 1)
    eject(old, "a", now)
    fail(old, "b", now, 4)
    new = detector()
    snapshot = old.snapshot()
    snapshot["servers"]["b"]["of a later version"] = 1
    new.restore({**snapshot, "also unknown": 2})
    machine: Machine = new
    assert (machine.deadline, new.is_ejected("a")) == (now + 10.0, True)
    assert new.snapshot() == old.snapshot()


@pytest.mark.parametrize("state", OutlierState)
@pytest.mark.parametrize("signal", Signal)
def test_what_the_table_does_not_draw_is_our_bug(state: OutlierState, signal: Signal) -> None:
    outlier = detector()
    outlier.restore({"servers": {"a": {"state": state.value}}})
    record = outlier._records["a"]
    if signal in TRANSITIONS[state]:
        outlier._take("a", record, signal)
        assert record.state is TRANSITIONS[state][signal]
    else:
        with pytest.raises(IllegalTransition, match=f"{signal.name} in {state.name}"):
            outlier._take("a", record, signal)


servers = st.sampled_from("abcdef")


class Life(RuleBasedStateMachine):
    """Any outcomes at any time: the pool never empties, the events tell the truth."""

    def __init__(self) -> None:
        super().__init__()
        self.outlier = detector(base_ejection_time=2.0, max_ejection_time=10.0)
        self.ids = tuple("abcdef")
        self.out: dict[str, float] = {}
        self.now = 0.0

    def believe(self, told: list[Event]) -> None:
        for event in told:
            assert event.at == self.now
            if isinstance(event, ServerEjected):
                assert event.server_id not in self.out
                assert 2.0 - ROUNDING <= event.until - self.now <= 10.0 + ROUNDING
                self.out[event.server_id] = event.until
            else:
                assert isinstance(event, ServerReadmitted)
                assert self.out.pop(event.server_id) <= self.now

    @rule(server=servers, failed=st.booleans(), times=st.integers(1, 6))
    def outcome(self, server: str, failed: bool, times: int) -> None:
        for _ in range(times):
            rotation = [i for i in self.ids if i not in self.out]
            self.believe(self.outlier.observe(server, failed, self.now, rotation))

    @rule(server=servers, good=servers)
    def contrast(self, server: str, good: str) -> None:
        self.outcome(server, True, 1)
        self.outcome(good, False, 1)
        self.outcome(server, True, 5)

    @rule(eighths=st.integers(0, 240), prompt=st.booleans())  # exact in binary
    def time_passes(self, eighths: int, prompt: bool) -> None:
        self.now += eighths / 8
        if prompt:
            self.believe(self.outlier.on_deadline(self.now))

    @rule()
    def reload(self) -> None:
        fresh = detector(base_ejection_time=2.0, max_ejection_time=10.0)
        fresh.restore(self.outlier.snapshot())
        self.outlier = fresh

    @invariant()
    def a_server_stays_in_and_the_share_holds(self) -> None:
        assert len(self.out) <= 3

    @invariant()
    def the_books_agree(self) -> None:
        assert dict(self.outlier.statistics().ejected) == self.out
        assert self.outlier.deadline == min(self.out.values(), default=None)
        assert {i for i in self.ids if self.outlier.is_ejected(i)} == set(self.out)


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase


@given(st.lists(servers), st.integers(1, 6))
def test_law_without_a_single_success_nobody_is_ejected(order: list[str], size: int) -> None:
    outlier, pool = detector(), tuple("abcdef"[:size])
    for i, server_id in enumerate(order * 5):
        assert fail(outlier, server_id, i / 100, pool=pool) == []


@given(st.floats(0.1, 50), st.floats(1, 20), st.integers(1, 30))
def test_law_ejections_grow_and_stay_within_base_and_maximum(
    base: float, factor: float, times: int
) -> None:
    outlier = detector(base_ejection_time=base, max_ejection_time=base * factor)
    now = last = 0.0
    for n in range(times):
        until = eject(outlier, "a", now).until
        assert math.isclose(until - now, min(base * 2**n, base * factor), rel_tol=1e-6)
        assert until - now >= last * (1 - 1e-9)
        last, now = until - now, until
        outlier.on_deadline(now)
