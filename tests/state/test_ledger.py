"""The ledger: each accepted request ends once, as successful or failed, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.state.books import server
from trio_lb.model.errors import IllegalTransition
from trio_lb.state.ledger import NEVER_SENT, Ledger, ServerStatistics, Statistics
from trio_lb.state.server import Server


def bare(number: int = 1) -> Server:
    return Server("api", server(number), None)


@pytest.mark.parametrize(
    ("status", "error", "is_success"),
    [
        (200, None, True),
        (101, None, True),
        (404, None, True),
        (499, None, True),
        (500, None, False),
        (503, None, False),
        (502, "upstream_reset", False),
        (400, "bad_request", False),
        (200, "client_left", False),
        (NEVER_SENT, None, False),
        (NEVER_SENT, "client_left", False),
    ],
)
def test_a_request_is_successful_when_a_server_s_answer_below_500_was_relayed_whole(
    status: int, error: str | None, is_success: bool
) -> None:
    ledger = Ledger()
    ledger.accepted()
    ledger.ended(status, error, 0.25)
    assert (ledger.successful, ledger.failed) == (int(is_success), int(not is_success))


def test_active_are_those_that_have_not_ended() -> None:
    ledger = Ledger()
    ledger.accepted()
    ledger.accepted()
    assert ledger.active == 2
    ledger.ended(200, None, 0.5)
    assert (ledger.total, ledger.active) == (2, 1)


def test_a_request_that_ends_twice_is_our_bug() -> None:
    ledger = Ledger()
    ledger.accepted()
    ledger.ended(200, None, 0.5)
    with pytest.raises(IllegalTransition, match="more requests ended than were accepted"):
        ledger.ended(200, None, 0.5)


def test_statistics_tell_means_and_the_servers_share() -> None:
    ledger, one = Ledger(), bare()
    for seconds in (0.25, 0.75):
        ledger.accepted()
        ledger.ended(200, None, seconds, one)
    ledger.accepted()
    ledger.ended(503, "no_healthy_server", 0.5)
    one.requests, one.failures = 4, 1
    now = ledger.statistics([one])
    assert now == Statistics(
        total_requests=3,
        successful_requests=2,
        failed_requests=1,
        active_connections=0,
        response_time_sum_seconds=1.5,
        server_stats=(
            ServerStatistics(
                pool="api",
                server_id="s1",
                requests=4,
                failures=1,
                responses=2,
                response_time_sum_seconds=1.0,
                active_connections=0,
            ),
        ),
    )
    assert now.average_response_time_seconds == 0.5
    assert now.server_stats[0].average_response_time_seconds == 0.5
    assert now.server_stats[0].success_rate == 0.75


def test_before_the_first_request_means_are_zero_and_nobody_has_failed() -> None:
    now = Ledger().statistics([bare()])
    assert now.average_response_time_seconds == 0.0
    assert now.server_stats[0].average_response_time_seconds == 0.0
    assert now.server_stats[0].success_rate == 1.0


def counted(ends: list[tuple[int, int]]) -> Statistics:
    """Statistics of one process: pairs of (server number, status)."""
    ledger, servers = Ledger(), {n: bare(n) for n in (1, 2, 3)}
    for number, status in ends:
        servers[number].requests += 1
        ledger.accepted()
        ledger.ended(status, None, 0.125, servers[number])
    return ledger.statistics(servers[n] for n in sorted({number for number, _ in ends}))


ends = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([200, 404, 500])), max_size=20)


@given(ends, ends)
def test_law_merging_two_processes_counts_what_one_would_have_counted(
    here: list[tuple[int, int]], there: list[tuple[int, int]]
) -> None:
    both, merged = counted(here + there), counted(here).merge(counted(there))
    key = lambda each: each.server_id  # noqa: E731 -- used twice in one line
    assert sorted(merged.server_stats, key=key) == sorted(both.server_stats, key=key)
    assert (merged.total_requests, merged.successful_requests, merged.failed_requests) == (
        both.total_requests,
        both.successful_requests,
        both.failed_requests,
    )
    assert merged.response_time_sum_seconds == both.response_time_sum_seconds


@given(st.lists(st.sampled_from([None, 200, 404, 502, NEVER_SENT]), max_size=60))
def test_law_accepted_equals_successful_and_failed_and_active_at_every_instant(
    history: list[int | None],
) -> None:
    ledger, accepted, ended = Ledger(), 0, 0
    for status in history:
        if status is None or ended == accepted:
            ledger.accepted()
            accepted += 1
        else:
            ledger.ended(status, None, 0.125)
            ended += 1
        now = ledger.statistics()
        assert now.total_requests == accepted
        assert now.successful_requests + now.failed_requests == ended
        assert now.active_connections == accepted - ended
