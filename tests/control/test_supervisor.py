"""Supervision: crashes are logged, counted and outlived; bugs are not."""

import logging
import math

import pytest
import trio

from trio_lb.control.supervisor import BUGS, Supervisor, is_bug
from trio_lb.model.errors import IllegalTransition
from trio_lb.sim.env import SimEnv


class Child:
    """Lives ``lives[n]`` seconds the n-th time, then crashes; after the last it returns."""

    def __init__(self, env: SimEnv, *lives: float, error: Exception | None = None) -> None:
        self.starts: list[float] = []
        self._env = env
        self._lives = list(lives)
        self._error = error or OSError("no more paper")

    async def run(self) -> None:
        self.starts.append(self._env.now())
        if not self._lives:
            return
        await trio.sleep(self._lives.pop(0))
        raise self._error

    def waits(self, *lives: float) -> list[float]:
        """The pauses between a crash and the next start."""
        ends = [start + life for start, life in zip(self.starts, lives, strict=False)]
        return [start - end for start, end in zip(self.starts[1:], ends, strict=True)]


async def test_a_child_that_returns_is_done(env: SimEnv) -> None:
    supervisor, child = Supervisor(env), Child(env)
    await supervisor.run("probes", child.run)
    assert child.starts == [0.0]
    assert supervisor.statistics().crashes == {}


async def test_a_child_that_crashes_is_logged_with_its_trace_counted_and_started_anew(
    env: SimEnv, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor, child = Supervisor(env), Child(env, 3.0)
    with caplog.at_level(logging.ERROR):
        await supervisor.run("probes", child.run)
    assert len(child.starts) == 2
    assert supervisor.statistics().crashes == {"probes": 1}
    assert "probes crashed; it starts anew in 0.0" in caplog.text
    assert "OSError: no more paper" in caplog.text


async def test_pauses_double_up_to_the_last_within_the_upper_half_of_their_jitter(
    env: SimEnv,
) -> None:
    lives = [1.0] * 10
    child = Child(env, *lives)
    await Supervisor(env, first_delay_seconds=0.5, last_delay_seconds=4.0).run("x", child.run)
    waits = child.waits(*lives)
    for wait, most in zip(waits, [0.5, 1, 2, 4, 4, 4, 4, 4, 4, 4], strict=True):
        assert most / 2 - 1e-9 <= wait <= most + 1e-9
    assert len(set(waits)) == 10


async def test_a_long_life_is_forgiven_the_crashes_before_it(env: SimEnv) -> None:
    lives = [1.0, 1.0, 1.0, 61.0]
    child = Child(env, *lives)
    await Supervisor(env, first_delay_seconds=1.0).run("x", child.run)
    waits = child.waits(*lives)
    assert 2.0 - 1e-9 <= waits[2] <= 4.0
    assert 0.5 - 1e-9 <= waits[3] <= 1.0


@pytest.mark.parametrize("kind", BUGS)
async def test_a_bug_ends_the_program_loudly(
    env: SimEnv, caplog: pytest.LogCaptureFixture, kind: type[Exception]
) -> None:
    child = Child(env, 1.0, error=kind("our bug"))
    with caplog.at_level(logging.CRITICAL), pytest.raises(kind, match="our bug"):
        await Supervisor(env).run("timers", child.run)
    assert "timers: a fault of the program itself" in caplog.text
    assert child.starts == [0.0]


def test_a_bug_is_found_in_a_group_of_groups() -> None:
    bug = ExceptionGroup("outer", [OSError(), ExceptionGroup("inner", [IllegalTransition("x")])])
    assert is_bug(bug)
    assert not is_bug(ExceptionGroup("outer", [OSError(), ExceptionGroup("in", [ValueError()])]))


async def test_a_child_that_is_cancelled_is_not_started_anew(env: SimEnv) -> None:
    child = Child(env, math.inf)
    with trio.move_on_after(5.0):
        await Supervisor(env).run("x", child.run)
    assert child.starts == [0.0]
    assert env.now() == 5.0


async def test_arguments_reach_the_child(env: SimEnv) -> None:
    seen: list[object] = []

    async def child(*args: object) -> None:
        await trio.lowlevel.checkpoint()
        seen.extend(args)

    await Supervisor(env).run("x", child, 1, "two")
    assert seen == [1, "two"]
