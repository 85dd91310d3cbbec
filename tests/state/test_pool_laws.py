"""Laws of a pool under any sequence of signals: who is usable, and that nobody is forgotten."""

from collections.abc import Sequence
from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.state.books import BAD, ERROR, GOOD, ILL, OK, REFUSED, TIMEOUT, plan, probed_pool, server
from trio_lb.config.schema import BreakerConfig
from trio_lb.model.events import Event, FailOpenEntered, FailOpenLeft
from trio_lb.policy.breaker import Breaker, BreakerState
from trio_lb.policy.health import HealthState
from trio_lb.state.lease import Lease, Trial
from trio_lb.state.server import Server

numbers = st.integers(1, 4)
outcomes = st.sampled_from([OK, ERROR, REFUSED, TIMEOUT])
breakers = st.sampled_from(
    [
        BreakerConfig(enabled=False),
        BreakerConfig(failure_threshold=3, threshold=None, success_threshold=2, timeout=5.0),
        BreakerConfig(failure_threshold=2, threshold=0.5, min_requests=4, max_half_open=2),
    ]
)


class PoolLife(RuleBasedStateMachine):
    """Attempts, checks, drains, hands, plans and time in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = probed_pool(4)
        self.now = 0.0
        self.held: list[tuple[Server, Lease | Trial]] = []
        self.permits: dict[Lease | Trial, Breaker] = {}
        self.is_holding = False
        self.deadline_announced: float | None = None
        self.pool.on_deadline_moved = self.note_deadline

    def note_deadline(self, _: object) -> None:
        self.deadline_announced = self.pool.deadline

    def one(self, number: int) -> Server | None:
        return self.pool.get_server(f"s{number}")

    def hear(self, told: Sequence[Event]) -> None:
        for event in told:
            if isinstance(event, FailOpenEntered | FailOpenLeft):
                self.is_holding = isinstance(event, FailOpenEntered)

    @rule(number=numbers, outcome=outcomes, times=st.integers(1, 5))
    def attempts(self, number: int, outcome: object, times: int) -> None:
        target = self.one(number)
        for _ in range(times if target else 0):
            assert target is not None
            self.hear(self.pool.observe(target, outcome, self.now))  # type: ignore[arg-type] # sampled

    @rule(number=numbers, other=numbers)
    def contrast(self, number: int, other: int) -> None:
        self.attempts(number, ERROR, 1)
        self.attempts(other, OK, 1)
        self.attempts(number, ERROR, 4)

    @rule(number=numbers, check=st.sampled_from([GOOD, BAD, ILL]), times=st.integers(1, 3))
    def checks(self, number: int, check: object, times: int) -> None:
        target = self.one(number)
        for _ in range(times if target else 0):
            assert target is not None
            self.hear(self.pool.checked(target, check, self.now))  # type: ignore[arg-type] # sampled

    @rule(wanted=st.sets(numbers, min_size=2))
    def fall_together(self, wanted: set[int]) -> None:
        for number in wanted:
            self.checks(number, ILL, 3)

    @rule(number=numbers, healthy=st.sampled_from([True, False, None]))
    def override(self, number: int, healthy: bool | None) -> None:
        if self.one(number):
            self.hear(self.pool.health_override(f"s{number}", healthy, self.now))

    @rule(number=numbers, verb=st.sampled_from(["open", "close", "reset"]))
    def switch(self, number: int, verb: str) -> None:
        target = self.one(number)
        if target in self.pool.members:
            self.hear(getattr(self.pool.breaker(f"s{number}"), verb)(self.now))

    @rule(number=numbers)
    def take(self, number: int) -> None:
        target = self.one(number)
        if target is None:
            return
        breaker = target.breaker
        needs_permit = breaker is not None and breaker.state is BreakerState.HALF_OPEN
        finds_one = breaker is not None and breaker.may_try
        lease = target.lease()
        lease.__enter__()
        self.held.append((target, lease))
        if target in self.pool.members and needs_permit and finds_one:
            assert breaker is not None
            self.permits[lease] = breaker

    @rule(judged=st.booleans())
    def release(self, judged: bool) -> None:
        if not self.held:
            return
        lease = self.held.pop(0)[1]
        if judged:
            lease.judged()
        lease.__exit__(None, None, None)
        self.permits.pop(lease, None)

    @rule(number=numbers, resume=st.booleans())
    def drain(self, number: int, resume: bool) -> None:
        if self.one(number) is None:
            return
        if resume:
            self.hear(self.pool.resume_server(f"s{number}", self.now))
        else:
            told = self.pool.drain_server(f"s{number}", self.now, expires_at=self.now + 5.0)
            self.hear(told)

    @rule(
        wanted=st.sets(numbers),
        disabled=st.sets(numbers),
        zoned=st.sets(numbers),
        probes=st.booleans(),
        breaker=breakers,
        slow_start=st.sampled_from([0.0, 10.0]),
        fail_open=st.sampled_from(["auto", "true", "false"]),
    )
    def reload(
        self, wanted: set[int], disabled: set[int], zoned: set[int], breaker: object, **knobs: Any
    ) -> None:
        servers = tuple(
            server(n, disabled=n in disabled, zone="a" if n in zoned else None)
            for n in sorted(wanted)
        )
        config = plan(servers=servers, circuit_breaker=breaker, **knobs)
        self.hear(self.pool.apply(config, self.now, expires_at=self.now + 5.0))
        assert list(self.pool.apply(config, self.now)) == []

    @rule(order=st.permutations([1, 2, 3, 4]))
    def rename(self, order: list[int]) -> None:
        """The servers swap their names; nothing else changes."""
        named = zip(self.pool.config.servers, order, strict=False)
        swapped = tuple(attrs.evolve(each, id=f"s{number}") for each, number in named)
        before = [(each.address, each.is_usable, each.ramp) for each in self.pool.members]
        self.hear(self.pool.apply(self.pool._with_servers(swapped), self.now))
        after = [(each.address, each.is_usable, each.ramp) for each in self.pool.members]
        assert before == after

    @rule(seconds=st.floats(0.0, 10.0), prompt=st.booleans())
    def time_passes(self, seconds: float, prompt: bool) -> None:
        self.now += seconds
        if prompt:
            self.hear(self.pool.on_deadline(self.now))
            self.note_deadline(None)

    def is_good(self, each: Server) -> bool:
        """By a person and by the checks, or by fail-open in their place."""
        health = each.health
        checked = health is None or health.state is HealthState.HEALTHY
        if health is not None and health.state is HealthState.UNHEALTHY:
            checked = self.pool._verdicts.fail_open.holds(each.id) and not health.is_overridden
        return checked and not each.disabled and each.drain.is_active

    def is_only_ejected(self, each: Server) -> bool:
        closed = each.breaker is None or each.breaker.state is BreakerState.CLOSED
        return self.is_good(each) and closed and self.pool.outlier.is_ejected(each.id)

    @invariant()
    def usable_equals_its_definition(self) -> None:
        by_definition = [
            each.id
            for each in self.pool.members
            if self.is_good(each)
            and not self.pool.outlier.is_ejected(each.id)
            and (each.breaker is None or each.breaker.may_try)
        ]
        stand_ins = [each.id for each in self.pool._membership.stand_ins]
        assert sorted(each.id for each in self.pool.usable) == sorted([*by_definition, *stand_ins])
        assert self.pool.is_usable == bool(by_definition or stand_ins)
        assert [each.id for each in self.pool.members if each.is_usable] == by_definition

    @invariant()
    def nobody_takes_requests_while_its_breaker_is_open(self) -> None:
        for each in self.pool.members:
            assert not (each.is_usable and each.breaker and each.breaker.state == "open")

    @invariant()
    def who_is_only_ejected_is_not_out_of_a_rotation_without_anybody_in_service(self) -> None:
        serves = any(each.is_usable and each.is_in_service for each in self.pool.members)
        assert serves or not any(map(self.is_only_ejected, self.pool.members))

    @invariant()
    def a_permit_is_held_by_a_trial_that_has_not_ended(self) -> None:
        for each in self.pool.members:
            if each.breaker is not None:
                held = sum(breaker is each.breaker for breaker in self.permits.values())
                assert each.breaker.statistics().trials == held

    @invariant()
    def a_share_is_less_than_whole_only_in_service_and_only_on_a_ramp(self) -> None:
        for each in self.pool.members:
            assert 0.0 < each.ramp <= 1.0
            assert each.ramp == 1.0 or (each.is_in_service and self.pool.config.slow_start > 0)

    @invariant()
    def what_was_told_of_fail_open_is_true(self) -> None:
        assert self.pool._verdicts.fail_open.is_holding == self.is_holding

    @invariant()
    def leases_held_are_the_requests_in_flight(self) -> None:
        here = {*self.pool.servers(), *(server for server, _ in self.held)}
        assert sum(each.active_connections for each in here) == len(self.held)
        assert all(each.active_connections >= 0 for each in here)

    @invariant()
    def every_leaver_is_waited_for(self) -> None:
        for each in self.pool.servers():
            if each in self.pool._membership.stand_ins:
                assert each.is_usable
                assert each.drain.is_active
            elif not self.pool._membership.is_member(each):
                assert each.drain.deadline is not None

    @invariant()
    def nobody_stands_in_without_being_asked_or_for_nobody(self) -> None:
        if self.pool._membership.stand_ins:
            assert any(each.state in ("unknown", "unhealthy") for each in self.pool.members)

    @invariant()
    def the_timer_knows_the_deadline(self) -> None:
        assert self.deadline_announced == self.pool.deadline


PoolLife.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestPoolLife = PoolLife.TestCase


def test_a_refused_connection_is_a_failure_like_any_other() -> None:
    pool = probed_pool(2)
    one, two = pool.servers()
    pool.observe(one, REFUSED, 1.0)
    pool.observe(two, OK, 1.0)
    told = [pool.observe(one, REFUSED, 1.0) for _ in range(4)][-1]
    assert [event.name for event in told] == ["server_ejected"]
