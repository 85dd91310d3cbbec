"""A person's hand on a breaker, with and without a configured one."""

import pytest
import trio

from tests.app.balancers import open_lb
from tests.support.world import World
from trio_lb.model.events import CircuitBreakerOpened, CircuitBreakerReset
from trio_lb.policy.breaker import BreakerState


@pytest.mark.parametrize("configured", [False, True])
async def test_a_breaker_opened_by_hand_stays_open_until_it_is_closed(
    world: World, configured: bool
) -> None:
    async with open_lb(world, circuit_breaker=configured) as at:
        breaker = at.lb.breaker("s1")
        assert breaker.state is BreakerState.CLOSED
        breaker.open()
        await trio.sleep(3600.0)
        assert str(breaker.state) == "open"
        assert at.lb.select_server("me") is at.lb.get_server("s2")
        breaker.close()
        assert str(breaker.state) == "closed"
        breaker.reset()
        assert [each.server_id for each in at.told(CircuitBreakerOpened)] == ["s1"]
        assert [each.server_id for each in at.told(CircuitBreakerReset)] == ["s1"]
