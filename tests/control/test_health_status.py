"""Health as a value: what people, REST and programs read."""

import pytest
import trio

from tests.state.books import plan, server
from trio_lb.control.health_status import HealthStatus, status_of
from trio_lb.policy.health import CheckResult, HealthState
from trio_lb.sim.env import SimEnv
from trio_lb.state.enrolment import new_health, new_server

BAD = CheckResult(False, 2.0, "timed out after 2 s")


async def test_before_the_first_check_nothing_is_known(env: SimEnv) -> None:
    await trio.sleep(10.0)
    assert status_of(new_server(plan(probes=True), server(1)), env) == HealthStatus(
        healthy=False,
        state="unknown",
        overridden=False,
        last_check=None,
        consecutive_successes=0,
        consecutive_failures=0,
        average_latency_seconds=None,
        last_error=None,
        details={},
    )


async def test_a_server_that_nobody_probes_is_taken_for_healthy(env: SimEnv) -> None:
    await trio.sleep(10.0)
    status = status_of(new_server(plan(), server(1)), env)
    assert (status.healthy, status.state, status.last_check) == (True, "healthy", None)


async def test_runs_times_errors_and_details_are_those_of_the_checks(env: SimEnv) -> None:
    one = new_server(plan(probes=True), server(1))
    assert one.health is not None
    one.health.observe(BAD, 10.0)
    one.health.observe(CheckResult(True, 0.25, details={"database": "old"}), 20.0)
    one.health.observe(CheckResult(True, 0.75, details={"database": "ok"}), 30.0)
    await trio.sleep_until(40.0)
    status = status_of(one, env)
    assert (status.healthy, status.last_error) == (True, "timed out after 2 s")
    assert (status.consecutive_successes, status.consecutive_failures) == (2, 0)
    assert status.average_latency_seconds == 0.5
    assert status.last_check == pytest.approx(env.wall() - 10.0)
    assert status.details == {"database": "ok"}


async def test_a_person_s_word_is_the_verdict_and_is_marked(env: SimEnv) -> None:
    await trio.sleep(10.0)
    one = new_server(plan(), server(1))
    one.health = new_health(plan(), "s1", HealthState.HEALTHY)
    one.health.override(False, env.now())
    status = status_of(one, env)
    assert (status.healthy, status.state, status.overridden) == (False, "unhealthy", True)
