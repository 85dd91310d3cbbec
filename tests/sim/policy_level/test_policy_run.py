"""A run as a whole: nothing is lost, the same seed gives the same, and queues obey theory."""

import gc

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sim.policy_level.support import run_of, workload
from trio_lb.config.schema import PoolConfig
from trio_lb.policy.balance.registry import ALGORITHMS
from trio_lb.sim.arrivals import Every, Poisson
from trio_lb.sim.distributions import Exponential, Fixed, Zipf
from trio_lb.sim.policy_level.policy_run import PolicyRun
from trio_lb.sim.policy_level.request import Request
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble, fleet
from trio_lb.sim.policy_level.workload import draw_workload


def test_turns_are_taken_and_each_server_serves_its_own_queue() -> None:
    result = run_of(
        workload((1.0, 3.0), (1.0, 1.0), (1.0, 1.0), until=4.0),
        ServerModel("s1"),
        ServerModel("s2"),
    ).run()
    assert list(result.good_at) == [2.0, 4.0, 5.0]
    assert [(each.attempts, each.busy_seconds) for each in result.servers] == [(2, 3.0), (1, 1.0)]
    assert result.most_waiting == 1
    assert (result.until, result.ended_at) == (4.0, 5.0)


def test_an_algorithm_may_be_named_written_as_in_a_file_or_given_as_configuration() -> None:
    requests = draw_workload(Every(0.1), Fixed(0.05), until=5.0, seed=1)
    given_as: list[str | dict[str, object] | PoolConfig] = [
        "least_connections",
        {"algorithm": "least-conn"},
        PoolConfig(algorithm="least_connections"),
    ]
    runs = [PolicyRun(each, servers=fleet(3), workload=requests).run() for each in given_as]
    assert [run.algorithm for run in runs] == ["least_connections"] * 3
    assert [list(run.good_at) for run in runs] == [list(runs[0].good_at)] * 3


def test_one_server_with_random_work_waits_as_theory_says() -> None:
    """M/M/1 at 70 %: 1 / (100 - 70) s in the system on average."""
    requests = draw_workload(Poisson(70), Exponential(0.01), until=2_000.0, seed=5)
    result = run_of(requests, ServerModel("s1")).run()
    assert abs(result.mean_seconds - 1 / 30) < 0.001
    assert abs(result.utilizations[0] - 0.7) < 0.01


def test_one_server_with_fixed_work_waits_half_as_long_in_its_queue() -> None:
    """M/D/1 at 70 %: 0.01 s of work, and 0.7 / (2 * 30) s before it."""
    requests = draw_workload(Poisson(70), Fixed(0.01), until=2_000.0, seed=5)
    result = run_of(requests, ServerModel("s1")).run()
    assert abs(result.mean_seconds - (0.01 + 0.7 / 60)) < 0.0005


def test_a_key_stays_with_its_server() -> None:
    requests = draw_workload(Poisson(50), Fixed(0.001), until=60.0, seed=2, keys=Zipf(1, 1.0))
    result = PolicyRun("ip_hash", servers=fleet(5), workload=requests).run()
    assert sorted(each.attempts for each in result.servers) == [0, 0, 0, 0, len(requests)]


def test_running_out_ends_the_work_for_clients_that_have_left() -> None:
    run = run_of(
        workload((1.0, 50.0), until=2.0),
        ServerModel("s1", cancels=False),
        clients=Clients(timeout=1),
    )
    result = run.run()
    (queue,) = run.queues.values()
    assert (result.ended_at, queue.busy) == (2.0, 1)
    run.run_out()
    assert queue.busy == 0


def test_the_collector_of_cycles_is_as_it_was_after_a_run() -> None:
    requests = workload((1.0, 0.1))
    for was_on in (True, False):
        (gc.enable if was_on else gc.disable)()
        try:
            run_of(requests, ServerModel("s1")).run()
            assert gc.isenabled() is was_on
        finally:
            gc.enable()


def test_a_run_leaves_no_cycles_of_requests_for_the_collector() -> None:
    """It is off during a run; were every request a cycle, a long run would fill memory."""
    gc.collect()  # What other tests have left.
    run = run_of(
        draw_workload(Poisson(200), Exponential(0.01), until=20.0, seed=1),
        *fleet(3, concurrency=2),
        settings={"retry": {}, "circuit_breaker": True},
        clients=Clients(timeout=0.05, retries=2),
        troubles=[Trouble("fail", 5.0, 8.0, servers=("s1",)), Trouble("crash", 9.0, 12.0)],
    )
    run.run()
    run.run_out()
    alive = [each for each in gc.get_objects() if isinstance(each, Request)]
    assert alive == []


troubles = st.builds(
    lambda kind, at, lasts, who, factor: Trouble(kind, at, at + lasts, who, factor),
    st.sampled_from(["slow", "crash", "fail"]),
    st.floats(0.0, 8.0),
    st.floats(0.1, 5.0),
    st.sampled_from([(), ("s1",), ("s1", "s2")]),
    st.sampled_from([0.5, 3.0, 50.0]),
)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(ALGORITHMS),
    st.integers(0, 2**32),
    st.booleans(),
    st.sampled_from([None, 0, 4]),
    st.sampled_from([None, 3]),
    st.sampled_from([None, 0.2]),
    st.integers(0, 2),
    st.booleans(),
    st.lists(troubles, max_size=3),
)
def test_law_every_request_ends_once_nothing_stays_leased_and_a_seed_gives_the_same_again(
    algorithm: str,
    seed: int,
    cancels: bool,
    queue: int | None,
    most: int | None,
    patience: float | None,
    retries: int,
    breaks: bool,
    befalls: list[Trouble],
) -> None:
    def play() -> tuple[PolicyRun, str]:
        run = PolicyRun(
            {
                "algorithm": algorithm,
                "circuit_breaker": {"enabled": breaks, "timeout": 1},
                "timeouts": {"first_byte": 0.5, "total": 2},
            },
            servers=fleet(3, cancels=cancels, queue=queue, max_connections=most),
            workload=draw_workload(
                Poisson(40), Exponential(0.04), until=10.0, seed=seed, keys=Zipf(20, 1.0)
            ),
            clients=Clients(timeout=patience, retries=retries),
            troubles=befalls,
            seed=seed,
        )
        result = run.run()
        books = (result.good_at, result.good_seconds, result.failed_at, result.extra_at)
        return run, repr([*map(list, books), result.servers, result.failures])

    run, told = play()
    crowd = run.crowd
    assert crowd.open == 0
    assert len(crowd.good_at) + len(crowd.failed_at) == len(run.workload)
    assert sum(crowd.failures.values()) == len(crowd.failed_at)
    run.run_out()
    assert [server.active_connections for server in run.pool.members] == [0, 0, 0]
    assert [(each.busy, each.waits) for each in run.queues.values()] == [(0, 0)] * 3
    assert all(each.breaker is None or each.breaker.statistics().trials == 0 for each in run.queues)
    assert play()[1] == told
