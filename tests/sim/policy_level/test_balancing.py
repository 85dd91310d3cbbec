"""The balancer without bytes: leases, timeouts, retries, budget, breakers: as in a proxy."""

from collections import Counter

from tests.sim.policy_level.support import run_of, workload
from trio_lb.model.events import CircuitBreakerHalfOpened, CircuitBreakerOpened, Event
from trio_lb.sim.policy_level.policy_run import PolicyRun
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble

ALWAYS = Trouble("crash", 0.0, 1e6, servers=("s1",))
RETRY_AT_ONCE = {"max_retries": 2, "base_delay": 0}


def test_a_request_that_meets_a_refused_connection_goes_elsewhere_at_once() -> None:
    run = run_of(
        workload((1.0, 0.5)),
        ServerModel("s1"),
        ServerModel("s2"),
        settings={"retry": {}},
        troubles=[ALWAYS],
    )
    result = run.run()
    assert list(result.good_at) == [1.5]
    assert result.extra_at == [1.0]
    assert [(each.attempts, each.failures) for each in result.servers] == [(1, 1), (1, 0)]


def test_an_attempt_without_an_answer_in_time_is_given_up_and_its_lease_given_back() -> None:
    run = run_of(
        workload((1.0, 9.0)), ServerModel("s1"), settings={"timeouts": {"first_byte": 2.0}}
    )
    result = run.run()
    assert list(result.failed_at) == [3.0]
    assert result.failures == {"no answer in time, and no retry is left": 1}
    assert run.pool.members[0].active_connections == 0
    assert run.pool.members[0].failures == 1


def test_the_total_ends_a_retry_before_its_own_timeout_and_pardons_the_server() -> None:
    run = run_of(
        workload((1.0, 9.0)),
        ServerModel("s1"),
        ServerModel("s2"),
        settings={
            "timeouts": {"first_byte": 2.0, "total": 2.5},
            "retry": RETRY_AT_ONCE,
        },
    )
    result = run.run()
    assert result.extra_at == [3.0]
    assert list(result.failed_at) == [3.5]
    assert [server.failures for server in run.pool.members] == [1, 0]
    assert [server.abandoned for server in run.pool.members] == [0, 1]


def test_a_full_queue_is_an_answer_and_is_not_tried_again() -> None:
    run = run_of(
        workload((1.0, 5.0), (1.0, 5.0)),
        ServerModel("s1", queue=0),
        settings={"retry": RETRY_AT_ONCE},
    )
    result = run.run()
    assert (result.failures, result.extra_at) == ({"status 503": 1}, [])


def test_max_connections_keeps_requests_from_a_server_that_is_full() -> None:
    run = run_of(workload((1.0, 5.0), (2.0, 5.0)), ServerModel("s1", max_connections=1))
    result = run.run()
    assert list(result.good_at) == [6.0]
    assert result.failures == {"no server": 1}
    assert result.servers[0].attempts == 1


def test_the_retry_budget_bounds_all_retries_together() -> None:
    """A fifth of the requests of ten seconds, and three a second of reserve: the defaults."""
    requests = [(0.01 * step, 0.001) for step in range(1, 1001)]
    run = run_of(
        workload(*requests, until=10.0),
        ServerModel("s1"),
        settings={"retry": {"max_retries": 3, "base_delay": 0}, "outlier_detection": False},
        troubles=[ALWAYS],
    )
    result = run.run()
    assert result.good == 0
    # The 229th is let through when 999 have come: 0.2 * 999 + 3 * 10 = 229.8.
    assert len(result.extra_at) == run.pool.budget.spent_total == 229
    assert result.amplification == 1.229


def test_a_client_that_leaves_ends_its_attempt_without_a_verdict_on_the_server() -> None:
    run = run_of(workload((1.0, 9.0)), ServerModel("s1"), clients=Clients(timeout=0.5))
    result = run.run()
    server = run.pool.members[0]
    assert list(result.failed_at) == [1.5]
    assert (server.active_connections, server.abandoned, server.failures) == (0, 1, 0)


def test_a_client_that_leaves_during_a_backoff_is_not_served_any_more() -> None:
    run = run_of(
        workload((1.0, 0.1)),
        ServerModel("s1"),
        settings={"retry": {"max_retries": 1, "base_delay": 60, "max_delay": 60}},
        clients=Clients(timeout=0.5),
        troubles=[Trouble("crash", 0.5, 1.2)],
    )
    result = run.run()
    run.run_out()
    assert list(result.failed_at) == [1.5]
    assert result.servers[0].attempts == 1


def test_a_retry_goes_on_elsewhere_when_a_crash_reset_its_attempt() -> None:
    run = run_of(
        workload((1.0, 1.0)),
        ServerModel("s1"),
        ServerModel("s2"),
        settings={"retry": RETRY_AT_ONCE},
        troubles=[Trouble("crash", 1.5, 9.0, servers=("s1",))],
    )
    result = run.run()
    assert list(result.good_at) == [2.5]
    assert result.extra_at == [1.5]


def test_a_retry_whose_server_has_filled_during_the_wait_takes_another() -> None:
    """s1 crashes under the first request; before its retry comes to s2, another is there."""
    run = run_of(
        workload((1.0, 1.0), (1.6, 500.0)),
        ServerModel("s1", max_connections=1),
        ServerModel("s2", max_connections=1),
        settings={
            "retry": {"max_retries": 1, "base_delay": 60, "max_delay": 60},
            "timeouts": {"first_byte": 600, "total": 600},
        },
        troubles=[Trouble("crash", 1.5, 1.55, servers=("s1",))],
    )
    result = run.run()
    (again_at,) = result.extra_at
    assert 1.6 < again_at < 61.5
    assert [each.attempts for each in result.servers] == [2, 1]
    assert list(result.good_at) == [again_at + 1.0, 501.6]


def test_a_retry_that_finds_nobody_after_its_wait_fails() -> None:
    run = run_of(
        workload((1.0, 1.0), (1.6, 100.0)),
        ServerModel("s1", max_connections=1),
        settings={
            "retry": {"max_retries": 1, "base_delay": 60, "max_delay": 60},
            "timeouts": {"first_byte": 600, "total": 600},
        },
        troubles=[Trouble("crash", 1.5, 1.55)],
    )
    result = run.run()
    assert result.failures == {"no server": 1}
    assert list(result.good_at) == [101.6]


def test_a_breaker_opens_half_opens_and_closes_in_virtual_time() -> None:
    told: list[Event] = []
    run = PolicyRun(
        {
            "algorithm": "round_robin",
            "retry": {"max_retries": 0},
            "outlier_detection": False,
            "circuit_breaker": {"failure_threshold": 3, "timeout": 5, "success_threshold": 1},
        },
        servers=[ServerModel("s1")],
        workload=workload(*((float(at), 0.25) for at in range(1, 21)), until=20.0),
        troubles=[Trouble("fail", 2.5, 6.5)],
        on_event=told.append,
    )
    result = run.run()
    moves = [(type(each), each.at) for each in told if "Breaker" in type(each).__name__]
    assert moves[:2] == [(CircuitBreakerOpened, 5.0), (CircuitBreakerHalfOpened, 10.0)]
    assert [type(each).__name__ for each in told][-1] == "CircuitBreakerReset"
    assert result.failures == {"status 500": 3, "no server": 4}
    assert result.good == 13


def test_events_are_told_in_the_order_of_virtual_time() -> None:
    told: list[Event] = []
    PolicyRun(
        servers=[ServerModel(f"s{number}") for number in range(1, 4)],
        workload=workload(*((0.1 * step, 0.05) for step in range(1, 301)), until=30.0),
        troubles=[Trouble("fail", 5.0, 9.0, servers=("s2",))],
        on_event=told.append,
        seed=3,
    ).run()
    counts = Counter(type(each).__name__ for each in told)
    assert (counts["ServerAdded"], counts["ServerEjected"], counts["ServerReadmitted"]) == (3, 1, 1)
    assert [each.at for each in told] == sorted(each.at for each in told)
