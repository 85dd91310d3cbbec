"""Leases and trials: what is taken at the door is given back, once, however a request ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.state.books import server
from trio_lb.config.schema import BreakerConfig
from trio_lb.policy.balance.registry import make_balancer
from trio_lb.policy.breaker import Breaker, BreakerState
from trio_lb.state.lease import Lease, Trial
from trio_lb.state.server import Server


class Door:
    """A half-open server that lets ``most`` trials in at once; ``moves`` counts permits' moves."""

    def __init__(self, most: int = 1) -> None:
        self.server = Server("api", server(1), None)
        config = BreakerConfig(failure_threshold=1, max_half_open=most)
        self.breaker = Breaker("api", "s1", config)
        self.moves = 0
        self.server.join(make_balancer("round_robin"), lambda _: None, self.note)
        self.half_open(0.0)

    def note(self, moved: Server) -> None:
        assert moved is self.server
        self.moves += 1

    def half_open(self, now: float) -> None:
        self.breaker.open_by_hand(now)
        self.breaker.reset(now)
        self.breaker.observe(True, now, now)
        assert self.breaker.deadline is not None
        self.breaker.on_deadline(self.breaker.deadline)
        assert self.breaker.state is BreakerState.HALF_OPEN
        self.server.open_trials(self.breaker)

    @property
    def trials(self) -> int:
        return self.breaker.statistics().trials


def test_a_server_in_service_gives_everybody_the_same_lease() -> None:
    one = Server("api", server(1), None)
    assert isinstance(one.lease(), Lease)
    assert one.lease() is one.lease()


def test_a_trial_holds_a_permit_and_a_lease_for_as_long_as_its_block_runs() -> None:
    door = Door()
    with door.server.lease() as leased:
        assert leased is door.server
        assert (door.trials, door.breaker.may_try, door.server.active_connections) == (1, False, 1)
    assert (door.trials, door.breaker.may_try, door.server.active_connections) == (0, True, 0)
    assert door.moves == 2


def test_a_trial_that_is_cut_gives_its_permit_back_too() -> None:
    door = Door()
    with pytest.raises(RuntimeError, match="cut"), door.server.lease():
        raise RuntimeError("cut")
    assert (door.trials, door.server.active_connections) == (0, 0)


def test_a_judged_trial_gives_its_permit_back_once_and_keeps_its_lease() -> None:
    door = Door()
    trial = door.server.lease()
    with trial:
        trial.judged()
        assert (door.trials, door.server.active_connections) == (0, 1)
        with door.server.lease():
            assert door.trials == 1
            trial.judged()
            assert door.trials == 1
    assert (door.trials, door.moves) == (0, 4)


def test_who_finds_no_permit_free_has_a_lease_all_the_same() -> None:
    door = Door()
    with door.server.lease(), door.server.lease():
        assert (door.trials, door.server.active_connections) == (1, 2)
    assert (door.trials, door.server.active_connections) == (0, 0)


def test_a_trial_of_a_breaker_that_closed_before_it_began_needs_no_permit() -> None:
    door = Door()
    trial = door.server.lease()
    door.breaker.close_by_hand(100.0)
    with trial:
        assert (door.trials, door.server.active_connections) == (0, 1)
    assert door.moves == 0


def test_a_trial_of_an_earlier_half_opening_still_takes_its_place() -> None:
    door = Door()
    with door.server.lease():
        door.half_open(100.0)
        assert (door.trials, door.breaker.may_try) == (1, False)
    assert (door.trials, door.breaker.may_try) == (0, True)


def test_a_lease_has_nothing_to_give_back_when_it_is_judged() -> None:
    one = Server("api", server(1), None)
    lease = one.lease()
    with lease:
        lease.judged()
        assert one.active_connections == 1
    assert one.active_connections == 0


@given(st.integers(1, 3), st.lists(st.integers(0, 2), max_size=40))
def test_law_permits_never_leak_and_never_exceed_their_number(most: int, steps: list[int]) -> None:
    door, held = Door(most), list[Trial]()
    for step in steps:
        if step == 0:
            trial = door.server.lease()
            assert isinstance(trial, Trial)
            trial.__enter__()
            held.append(trial)
        elif held and step == 1:
            held[0].judged()
        elif held:
            held.pop(0).__exit__(None, None, None)
        assert 0 <= door.trials <= min(most, len(held))
        assert door.server.active_connections == len(held)
    for trial in held:
        trial.__exit__(None, None, None)
    assert (door.trials, door.server.active_connections) == (0, 0)
