"""Waits that a simulation ends early: as long as configured elsewhere, and never longer."""

import math

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.support.clock import run_in_virtual_time
from trio_lb.net.haste import WAITS, Wait, hurried
from trio_lb.net.real import RealEnv
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork


def new_env(seed: int = 7) -> SimEnv:
    return SimEnv(VirtualNetwork(7).host("lb"), seed)


@pytest.mark.parametrize("wait", WAITS)
def test_in_production_each_wait_is_as_long_as_configured(wait: Wait) -> None:
    assert hurried(RealEnv(), wait, 5.0) == 5.0
    assert hurried(new_env(), wait, 5.0) == 5.0, "and in a simulation that says nothing"


async def test_a_point_that_acts_ends_its_wait_early_and_no_other(
    autojump_clock: MockClock,
) -> None:
    env = new_env()
    env.buggified["connect"] = True
    await trio.sleep(10.0)
    assert 10.0 <= hurried(env, "connect", 15.0) < 15.0
    assert hurried(env, "probe", 15.0) == 15.0


async def test_what_never_ends_by_itself_is_no_timeout_and_ends_never(
    autojump_clock: MockClock,
) -> None:
    env = new_env()
    env.buggified["first_byte"] = True
    assert hurried(env, "first_byte", math.inf) == math.inf


@given(st.integers(0, 2**32), st.floats(0, 1e6), st.floats(-1.0, 1e6))
def test_an_early_end_lies_between_now_and_the_deadline(seed: int, now: float, left: float) -> None:
    async def main() -> None:
        env = new_env(seed)
        env.buggified["idle"] = True
        await trio.sleep(now)
        ends_at = hurried(env, "idle", now + left)
        assert now <= ends_at <= max(now, now + left)

    run_in_virtual_time(main)


async def test_a_third_of_the_early_ends_comes_within_a_ten_thousandth_of_the_time(
    autojump_clock: MockClock,
) -> None:
    env = new_env()
    env.buggified["connect"] = True
    ends = [hurried(env, "connect", 1.0) for _ in range(3000)]
    soon = sum(end < 1e-4 for end in ends)
    assert 850 <= soon <= 1050, "3000 times the eighth root of 1e-4"
    assert sum(end > 0.1 for end in ends) > 600, "and many come late"
