"""A server: its lease, its state in one word, and what keeps its identity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.state.books import server
from trio_lb.model.address import Address
from trio_lb.policy.balance.base import Candidate
from trio_lb.policy.balance.indifferent import Indifferent
from trio_lb.policy.balance.registry import make_balancer
from trio_lb.policy.breaker import Breaker
from trio_lb.policy.health import CheckResult, HealthMachine
from trio_lb.state.server import Server, ServerState


def bare(**knobs: object) -> Server:
    return Server("api", server(1, **knobs), None)


def nobody(_: Server) -> None:
    """A hook that nobody has taken."""


class Spy(Indifferent):
    """A balancer that notes what it is told of leases."""

    name = "spy"
    tracks = True

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.order = make_balancer("round_robin").order

    def leased(self, candidate: Candidate) -> None:
        self.seen.append(("leased", candidate.active_connections))

    def released(self, candidate: Candidate) -> None:
        self.seen.append(("released", candidate.active_connections))


def test_a_lease_counts_one_request_in_flight_for_as_long_as_its_block_runs() -> None:
    one = bare()
    with one.lease() as leased:
        assert leased is one
        with one.lease():
            assert one.active_connections == 2
        assert one.active_connections == 1
    assert one.active_connections == 0


def test_a_lease_ends_with_an_exception_too() -> None:
    one = bare()
    with pytest.raises(RuntimeError, match="cut"), one.lease():
        raise RuntimeError("cut")
    assert one.active_connections == 0


def test_a_balancer_that_tracks_hears_of_each_lease_just_after_the_count() -> None:
    one, spy = bare(), Spy()
    one.join(spy, nobody, nobody)
    with one.lease(), one.lease():
        pass
    assert spy.seen == [("leased", 1), ("leased", 2), ("released", 1), ("released", 0)]


def test_a_balancer_that_does_not_track_is_not_called() -> None:
    one, spy = bare(), Spy()
    spy.tracks = False
    one.join(spy, nobody, nobody)
    with one.lease():
        pass
    assert spy.seen == []


def test_the_last_lease_of_a_draining_server_says_so_once() -> None:
    one, idle = bare(), list[Server]()
    one.join(make_balancer("random"), idle.append, nobody)
    with one.lease():
        pass
    assert idle == []
    with one.lease():
        with one.lease():
            one.drain.start(1.0, expires_at=None, in_flight=2)
        assert idle == []
    assert idle == [one]


def test_state_is_one_word_and_equals_its_text() -> None:
    one = bare()
    assert isinstance(one.state, ServerState)
    assert one.state == "healthy"
    assert f"{one.state}" == "healthy"


def test_a_person_s_decision_comes_before_the_probes() -> None:
    one, seen = Server("api", server(1, disabled=True), HealthMachine("api", "s1")), list[str]()
    seen.append(one.state)
    one.configure(server(1))
    seen.append(one.state)
    one.drain.start(1.0, expires_at=None, in_flight=1)
    seen.append(one.state)
    one.drain.resume()
    assert one.health is not None
    one.health.observe(CheckResult(ok=False), 1.0)
    seen.append(one.state)
    assert seen == ["disabled", "unknown", "draining", "unhealthy"]


def test_everything_but_the_address_can_change_under_the_same_identity() -> None:
    one = Server("api", server(1), HealthMachine("api", "s1"))
    one.breaker = Breaker("api", "s1")
    identity = one.identity
    one.configure(server(1, id="first", weight=7, max_connections=3, zone="b"))
    assert one.identity == identity == ("api", Address("10.0.0.1", 80))
    assert (one.id, one.weight, one.max_connections, one.zone) == ("first", 7, 3, "b")
    assert one.health is not None
    assert (one.health.server_id, one.drain.server_id) == ("first", "first")
    assert one.breaker.server_id == "first"


def test_room_ends_at_max_connections_and_without_one_never() -> None:
    capped, free = bare(max_connections=1), bare()
    with capped.lease(), free.lease():
        assert (capped.has_room, free.has_room) == (False, True)
    assert capped.has_room


def test_shows_where_it_is_and_compares_by_identity() -> None:
    one, twin = bare(), bare()
    assert (one.host, one.port) == ("10.0.0.1", 80)
    assert repr(one) == "<Server api/s1 10.0.0.1:80 healthy>"
    assert one != twin
    assert len({one, twin}) == 2


def test_what_speaks_against_it_adds_up() -> None:
    one = Server("api", server(1), HealthMachine("api", "s1"))
    assert one.health is not None
    seen = [(one.is_good, one.is_fit, one.is_in_service)]
    one.health.observe(CheckResult(ok=True), 1.0)
    seen.append((one.is_good, one.is_fit, one.is_in_service))
    one.breaker = Breaker("api", "s1")
    one.breaker.open_by_hand(1.0)
    seen.append((one.is_good, one.is_fit, one.is_in_service))
    one.is_ejected = True
    seen.append((one.is_good, one.is_fit, one.is_in_service))
    assert seen == [(False,) * 3, (True,) * 3, (True, True, False), (True, False, False)]


def test_a_hold_stands_in_for_bad_checks_and_for_nothing_else() -> None:
    one = Server("api", server(1), HealthMachine("api", "s1"))
    one.is_held = True
    assert one.health is not None
    unknown = one.is_good
    one.health.observe(CheckResult(ok=False), 1.0)
    unhealthy = one.is_good
    one.configure(server(1, disabled=True))
    assert (unknown, unhealthy, one.is_good) == (False, True, False)


def test_shows_when_it_was_added_and_last_checked() -> None:
    one = Server("api", server(1), HealthMachine("api", "s1"), added_at=3.0)
    assert (one.added_at, one.last_check_at, one.last_seen_at) == (3.0, None, None)
    assert one.health is not None
    one.health.observe(CheckResult(ok=True), 4.5)
    assert one.last_check_at == 4.5
    assert bare().last_check_at is None


def test_successes_are_what_neither_failed_nor_was_abandoned() -> None:
    one = bare()
    one.requests, one.failures, one.abandoned = 10, 3, 2
    assert one.successes == 5


@given(st.lists(st.booleans(), max_size=40))
def test_law_leases_are_counted_exactly_and_never_negative(steps: list[bool]) -> None:
    one, held = bare(), list[object]()
    for take in steps:
        if take:
            lease = one.lease()
            lease.__enter__()
            held.append(lease)
        elif held:
            held.pop()
            one.lease().__exit__(None, None, None)
        assert one.active_connections == len(held) >= 0
