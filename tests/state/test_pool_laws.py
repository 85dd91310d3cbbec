"""Laws of a pool under any sequence of signals: who is usable, and that nobody is forgotten."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.state.books import BAD, ERROR, GOOD, OK, REFUSED, plan, probed_pool, server
from trio_lb.state.server import Server, ServerState

numbers = st.integers(1, 4)


class PoolLife(RuleBasedStateMachine):
    """Attempts, checks, drains, plans and time in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = probed_pool(4)
        self.now = 0.0
        self.held: list[Server] = []
        self.deadline_announced: float | None = None
        self.pool.on_deadline_moved = self.note_deadline

    def note_deadline(self, _: object) -> None:
        self.deadline_announced = self.pool.deadline

    def one(self, number: int) -> Server | None:
        return self.pool.get_server(f"s{number}")

    @rule(number=numbers, failed=st.booleans(), times=st.integers(1, 5))
    def attempts(self, number: int, failed: bool, times: int) -> None:
        target = self.one(number)
        for _ in range(times if target else 0):
            assert target is not None
            self.pool.observe(target, ERROR if failed else OK, self.now)

    @rule(number=numbers, other=numbers)
    def contrast(self, number: int, other: int) -> None:
        self.attempts(number, True, 1)
        self.attempts(other, False, 1)
        self.attempts(number, True, 4)

    @rule(number=numbers, good=st.booleans(), times=st.integers(1, 3))
    def checks(self, number: int, good: bool, times: int) -> None:
        target = self.one(number)
        for _ in range(times if target else 0):
            assert target is not None
            self.pool.checked(target, GOOD if good else BAD, self.now)

    @rule(number=numbers, healthy=st.sampled_from([True, False, None]))
    def override(self, number: int, healthy: bool | None) -> None:
        if self.one(number):
            self.pool.health_override(f"s{number}", healthy, self.now)

    @rule(number=numbers)
    def take(self, number: int) -> None:
        target = self.one(number)
        if target is not None:
            target.lease().__enter__()
            self.held.append(target)

    @rule()
    def release(self) -> None:
        if self.held:
            self.held.pop(0).lease().__exit__(None, None, None)

    @rule(number=numbers, resume=st.booleans())
    def drain(self, number: int, resume: bool) -> None:
        if self.one(number) is None:
            return
        if resume:
            self.pool.resume_server(f"s{number}", self.now)
        else:
            self.pool.drain_server(f"s{number}", self.now, expires_at=self.now + 5.0)

    @rule(wanted=st.sets(numbers), disabled=st.sets(numbers), probes=st.booleans())
    def reload(self, wanted: set[int], disabled: set[int], probes: bool) -> None:
        servers = tuple(server(n, disabled=n in disabled) for n in sorted(wanted))
        config = plan(probes=probes, servers=servers)
        self.pool.apply(config, self.now, expires_at=self.now + 5.0)
        assert list(self.pool.apply(config, self.now)) == []

    @rule(seconds=st.floats(0.0, 10.0), prompt=st.booleans())
    def time_passes(self, seconds: float, prompt: bool) -> None:
        self.now += seconds
        if prompt:
            self.pool.on_deadline(self.now)

    @invariant()
    def usable_equals_its_definition(self) -> None:
        members = self.pool._membership.members
        by_definition = [
            each.id
            for each in members
            if each.state is ServerState.HEALTHY and not self.pool.outlier.is_ejected(each.id)
        ]
        assert [each.id for each in self.pool.usable] == by_definition
        assert self.pool.is_usable == bool(by_definition)
        assert [each.id for each in members if each.is_usable] == by_definition

    @invariant()
    def no_healthy_server_is_out_of_an_empty_rotation(self) -> None:
        assert self.pool.is_usable or not self.pool.healthy_servers()

    @invariant()
    def leases_held_are_the_requests_in_flight(self) -> None:
        here = {*self.pool.servers(), *self.held}
        assert sum(each.active_connections for each in here) == len(self.held)
        assert all(each.active_connections >= 0 for each in here)

    @invariant()
    def every_leaver_is_waited_for(self) -> None:
        for each in self.pool.servers():
            if not self.pool._membership.is_member(each):
                assert each.drain.deadline is not None

    @invariant()
    def the_timer_knows_the_deadline(self) -> None:
        assert self.deadline_announced == self.pool.deadline


PoolLife.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPoolLife = PoolLife.TestCase


def test_a_refused_connection_is_a_failure_like_any_other() -> None:
    pool = probed_pool(2)
    one, two = pool.servers()
    pool.observe(one, REFUSED, 1.0)
    pool.observe(two, OK, 1.0)
    told = [pool.observe(one, REFUSED, 1.0) for _ in range(4)][-1]
    assert [event.name for event in told] == ["server_ejected"]
