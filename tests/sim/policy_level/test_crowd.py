"""Clients: how long they wait, how often they ask again, and what is written of them."""

from itertools import pairwise

from tests.sim.policy_level.support import run_of, workload
from trio_lb.sim.policy_level.settings import Clients, ServerModel, Trouble


def test_a_patient_client_waits_for_its_answer() -> None:
    result = run_of(workload((1.0, 9.0)), ServerModel("s1")).run()
    assert (list(result.good_at), list(result.good_seconds)) == ([10.0], [9.0])


def test_each_try_has_its_own_patience_and_the_wait_counts_from_the_first() -> None:
    run = run_of(
        workload((1.0, 1.0)),
        ServerModel("s1"),
        clients=Clients(timeout=1.5, retries=3, base_delay=0),
        troubles=[Trouble("slow", 0.5, 3.0, factor=100.0)],
    )
    result = run.run()
    # Left at 2.5; the second try is slow still and is left at 4; the third is served at once.
    assert list(result.again_at) == [2.5, 4.0]
    assert (list(result.good_at), list(result.good_seconds)) == ([5.0], [4.0])
    assert result.amplification == 3.0


def test_after_the_last_retry_a_request_has_failed_for_the_last_reason() -> None:
    run = run_of(
        workload((1.0, 9.0)), ServerModel("s1"), clients=Clients(timeout=1, retries=2, base_delay=0)
    )
    result = run.run()
    assert list(result.again_at) == [2.0, 3.0]
    assert list(result.failed_at) == [4.0]
    assert result.failures == {"the client's time was up": 1}


def test_an_error_is_tried_again_as_well_after_a_wait_of_full_jitter() -> None:
    run = run_of(
        workload(*((float(at), 0.1) for at in range(1, 101))),
        ServerModel("s1"),
        settings={"outlier_detection": False},
        clients=Clients(retries=1, base_delay=0.5),
        troubles=[Trouble("fail", 0.5, 1000.0)],
    )
    result = run.run()
    waits = [again - asked for asked, again in zip(range(1, 101), result.again_at, strict=True)]
    assert all(0 <= wait <= 0.5 for wait in waits)
    assert 0.2 < sum(waits) / len(waits) < 0.3
    assert result.failures == {"status 500": 100}


def test_waits_double_up_to_the_longest() -> None:
    run = run_of(
        workload((1.0, 0.1)),
        ServerModel("s1"),
        clients=Clients(retries=12, base_delay=1.0, max_delay=4.0),
        troubles=[Trouble("fail", 0.5, 1000.0)],
    )
    result = run.run()
    instants = [1.0, *result.again_at]
    waits = [after - before for before, after in pairwise(instants)]
    assert len(waits) == 12
    assert all(wait <= min(4.0, 2.0**retry) for retry, wait in enumerate(waits))
    assert max(waits) > 2.0
