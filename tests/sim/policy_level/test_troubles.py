"""Troubles: slow, crashed, failing servers; they overlap, end, and leave nothing behind."""

import pytest

from tests.sim.policy_level.support import run_of, workload
from trio_lb.model.errors import ConfigError
from trio_lb.sim.policy_level.settings import ServerModel, Trouble


def test_overlapping_slowness_multiplies_and_ends_in_any_order() -> None:
    run = run_of(
        workload(*((float(at), 0.1) for at in range(1, 8))),
        ServerModel("s1"),
        troubles=[
            Trouble("slow", 1.5, 5.5, factor=3.0),
            Trouble("slow", 2.5, 3.5, factor=0.7),
            Trouble("slow", 4.5, 6.5, factor=2.0),
        ],
    )
    result = run.run()
    assert [round(seconds, 9) for seconds in result.good_seconds] == [
        *(0.1, 0.3, 0.21, 0.3, 0.6, 0.2, 0.1)
    ]
    assert next(iter(run.queues.values())).slow_factor == 1.0


def test_a_crash_resets_what_is_in_hand_and_refuses_until_it_is_over() -> None:
    run = run_of(
        workload((1.0, 5.0), (1.5, 5.0), (3.0, 5.0), (4.0, 1.0)),
        ServerModel("s1"),
        troubles=[Trouble("crash", 2.0, 4.0)],
    )
    result = run.run()
    assert list(result.failed_at) == [2.0, 2.0, 3.0]
    assert result.failures == {
        "connection reset, and no retry is left": 2,
        "connect refused, and no retry is left": 1,
    }
    assert list(result.good_at) == [5.0]


def test_a_failing_server_answers_at_once_but_a_crash_is_stronger() -> None:
    run = run_of(
        workload((1.0, 5.0), (3.0, 5.0), (5.0, 5.0)),
        ServerModel("s1"),
        troubles=[Trouble("fail", 0.5, 9.0), Trouble("crash", 2.0, 4.0)],
    )
    result = run.run()
    assert list(result.failed_at) == [1.0, 3.0, 5.0]
    assert result.failures == {"status 500": 2, "connect refused, and no retry is left": 1}


def test_only_those_are_touched_that_are_named() -> None:
    run = run_of(
        workload((1.0, 1.0), (1.0, 1.0)),
        ServerModel("s1"),
        ServerModel("s2"),
        troubles=[Trouble("slow", 0.5, 9.0, servers=("s2",), factor=4.0)],
    )
    assert list(run.run().good_at) == [2.0, 5.0]


def test_a_server_that_there_is_not_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"troubles.1.servers: no server 's9'; there are s1"):
        run_of(
            workload((1.0, 1.0)),
            ServerModel("s1"),
            troubles=[Trouble("slow", 1.0, 2.0), Trouble("slow", 1.0, 2.0, servers=("s9",))],
        )
