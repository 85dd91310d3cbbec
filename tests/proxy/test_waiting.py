"""Waiting for a client: who is on trial does so for a second in all."""

from typing import cast

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.state.books import server as configured
from trio_lb.policy.breaker import Breaker
from trio_lb.proxy.exchange import Exchange
from trio_lb.proxy.waiting import PERMIT_SECONDS, for_client
from trio_lb.state.lease import Lease, Trial
from trio_lb.state.server import Server


@attrs.define
class _Env:
    def now(self) -> float:
        return trio.current_time()


@attrs.define
class _Context:
    env: _Env = attrs.Factory(_Env)


@attrs.define
class _Asking:
    """As much of an exchange as is asked."""

    lease: Lease | Trial | None
    context: _Context = attrs.Factory(_Context)
    permits: list[float] = attrs.Factory(list)

    async def wait(self, seconds: float, value: str = "came") -> str:
        """Wait for the client, who takes so long."""
        return await for_client(
            cast(Exchange, self), self._wait, trio.current_time() + seconds, value
        )

    async def _wait(self, until: float, value: str) -> str:
        await trio.sleep_until(until)
        return value


def on_trial(server: Server) -> _Asking:
    """Return an exchange at a half-open server."""
    breaker = Breaker(server.pool, server.id)
    breaker.restore({"state": "half_open"})
    asking = _Asking(None)

    def on_permit(_: Server) -> None:
        asking.permits.append(trio.current_time())

    asking.lease = Trial(server.lease(), breaker, on_permit)  # type: ignore[arg-type] # Not on trial yet.
    return asking


@pytest.fixture
def server() -> Server:
    return Server("api", configured(1), None)


async def test_a_permit_goes_back_after_a_second_of_waiting_in_all(
    server: Server, autojump_clock: MockClock
) -> None:
    asking = on_trial(server)
    assert asking.lease is not None
    with asking.lease:
        await trio.sleep(10.0)  # For the server: that is what a trial is for.
        for _ in range(4):
            assert await asking.wait(0.375) == "came"
        assert asking.permits == [0.0, 10.0 + PERMIT_SECONDS]
    assert asking.permits == [0.0, 10.0 + PERMIT_SECONDS]
    assert trio.current_time() == 11.5


async def test_what_the_server_takes_between_is_not_the_client_s(
    server: Server, autojump_clock: MockClock
) -> None:
    asking = on_trial(server)
    assert asking.lease is not None
    with asking.lease:
        await asking.wait(0.5)
        await trio.sleep(10.0)
        await asking.wait(0.25)
        assert asking.permits == [0.0]
        await asking.wait(0.5)
    assert asking.permits == [0.0, 11.0]


async def test_a_quick_client_s_permit_goes_back_at_the_end(
    server: Server, autojump_clock: MockClock
) -> None:
    asking = on_trial(server)
    assert asking.lease is not None
    with asking.lease:
        assert await asking.wait(0.5, "this") == "this"
    assert asking.permits == [0.0, 0.5]


async def test_who_is_not_on_trial_just_waits(server: Server, autojump_clock: MockClock) -> None:
    for lease in (None, server.lease()):
        assert await _Asking(lease).wait(5.0) == "came"
    assert trio.current_time() == 10.0
