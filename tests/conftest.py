"""Fixtures of every test: stages to act on, and the look for leaks that follows each test.

A test that wants virtual time takes ``net``, ``env`` or ``world``: the clock comes
with them. One that must hold on real sockets too takes ``stage`` or ``any_world``.
"""

import gc
import inspect
from collections.abc import AsyncGenerator, Iterator

import pytest
import trio
from trio.testing import MockClock

from tests.support.leaks import find_leaks, new_descriptors, open_descriptors
from tests.support.stage import LOOPBACK, VIRTUAL, LoopbackStage, Stage, VirtualStage
from tests.support.world import World, open_world
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork


@pytest.fixture(autouse=True)
def _nothing_is_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which more descriptors are open, or that dropped one unclosed.

    The collection lets what was dropped say so while the test still has its name:
    pytest turns a ResourceWarning, and an exception in a finalizer, into an error.
    """
    before = open_descriptors()
    yield
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        gc.collect()
    assert new_descriptors(before) == []


@pytest.fixture
async def net(autojump_clock: MockClock) -> AsyncGenerator[VirtualNetwork, None]:
    """A virtual network of seed 0, on a clock that jumps; nothing may be left open on it."""
    net = VirtualNetwork()
    yield net
    assert await find_leaks(net) == []


@pytest.fixture
def env(net: VirtualNetwork) -> SimEnv:
    """The outside world of the host ``lb``."""
    return SimEnv(net.host("lb"))


@pytest.fixture
async def world(net: VirtualNetwork) -> AsyncGenerator[World, None]:
    """A world on the virtual network."""
    async with open_world(VirtualStage(net)) as world:
        yield world


@pytest.fixture(
    params=[VIRTUAL, pytest.param(LOOPBACK, marks=pytest.mark.real)],
)
def stage_kind(request: pytest.FixtureRequest) -> str:
    """Which network the test runs on: it runs once on each."""
    kind: str = request.param
    return kind


@pytest.fixture
def stage_clock(stage_kind: str) -> MockClock | None:
    """The clock that belongs to the stage; pytest-trio uses any fixture that is a clock."""
    return MockClock(autojump_threshold=0) if stage_kind == VIRTUAL else None


@pytest.fixture
async def stage(stage_kind: str, stage_clock: trio.abc.Clock | None) -> AsyncGenerator[Stage, None]:
    """A stage of either kind, with nothing left open at its end."""
    if stage_kind == LOOPBACK:
        yield LoopbackStage()
        return
    net = VirtualNetwork()
    yield VirtualStage(net)
    assert await find_leaks(net) == []


@pytest.fixture
async def any_world(stage: Stage) -> AsyncGenerator[World, None]:
    """A world, once on each network."""
    async with open_world(stage) as world:
        yield world
