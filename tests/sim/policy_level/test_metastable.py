"""A failure that outlives its cause, and what ends it: goodput before, during and long after."""

from collections.abc import Mapping
from typing import Final

import pytest

from trio_lb.sim.policy_level.metastable import (
    OFFERED,
    TRIGGER_AT,
    TRIGGER_UNTIL,
    Protection,
    metastable_run,
    metastable_servers,
)
from trio_lb.sim.policy_level.result import Result

UNTIL: Final = 80.0


def story(result: Result) -> tuple[int, int, int, float]:
    """Goodput a second before, during and 40 s after the trigger; attempts a request at the end."""
    end = (UNTIL - 10.0, UNTIL)
    return (
        round(result.goodput_per_second(0.0, TRIGGER_AT)),
        round(result.goodput_per_second(TRIGGER_AT, TRIGGER_UNTIL)),
        round(result.goodput_per_second(*end)),
        round(result.amplification_in(*end), 2),
    )


EXPECTED: Final[Mapping[Protection, tuple[int, int, int, float]]] = {
    Protection.NO_RETRIES: (693, 83, 719, 1.0),
    Protection.CLIENT_RETRIES: (693, 83, 0, 3.99),
    Protection.BALANCER_RETRIES: (693, 83, 0, 3.99),
    Protection.BUDGET: (693, 83, 720, 1.0),
    Protection.SHEDDING: (693, 509, 720, 1.0),
    Protection.LIMITS: (693, 509, 720, 1.0),
}


@pytest.mark.parametrize("protection", Protection, ids=lambda each: each.name)
def test_the_failure_stays_or_goes(protection: Protection) -> None:
    assert story(metastable_run(protection, until=UNTIL)) == EXPECTED[protection]


@pytest.mark.parametrize("seed", [2, 3])
def test_with_limits_passive_health_does_no_harm(seed: int) -> None:
    """Without them, ejections keep an overload alive with these seeds."""
    result = metastable_run(Protection.LIMITS, seed=seed, until=60.0, passive_health=True)
    assert result.goodput_per_second(35.0, 60.0) > 0.97 * OFFERED


def test_the_servers_could_serve_all_that_is_asked_and_more() -> None:
    servers = metastable_servers()
    assert sum(server.concurrency for server in servers) / 0.01 == pytest.approx(1000.0)
    assert OFFERED == 700.0
    assert not any(server.cancels for server in servers)


def test_without_its_trigger_nothing_fails() -> None:
    """The control: what is stuck at zero after the trigger was healthy for as long before it."""
    result = metastable_run(Protection.CLIENT_RETRIES, until=TRIGGER_AT)
    assert (result.failed, result.amplification) == (0, 1.0)
