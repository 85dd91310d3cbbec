"""Fixtures of every test: stages to act on, and the look for leaks that follows each test.

A test that wants virtual time takes ``net``, ``env`` or ``world``: the clock comes
with them, starts at 0 and jumps. One that must hold on real sockets too takes
``stage`` or ``any_world``, and runs once on each network.
"""

import gc
import inspect
import signal
from collections.abc import AsyncGenerator, Iterator

import pytest
from hypothesis import settings

from tests.support.clock import run_in_virtual_time
from tests.support.leaks import find_leaks, lasting_descriptors, open_descriptors
from tests.support.stage import LOOPBACK, VIRTUAL, LoopbackStage, Stage, VirtualStage
from tests.support.world import World, open_world
from trio_lb.sim.env import SimEnv
from trio_lb.sim.network import VirtualNetwork

# A busy machine must not fail a law: how long an example takes is nobody's promise.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_configure() -> None:
    """Heed Ctrl-C, and let the programs under test heed it: ``make test &`` in a script does not.

    A shell starts what it does not wait for with SIGINT ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run in virtual time what takes a virtual network, directly or through another fixture."""
    for item in items:
        if isinstance(item, pytest.Function) and _is_virtual(item):
            item.add_marker(pytest.mark.trio(run=run_in_virtual_time), append=False)


def _is_virtual(item: pytest.Function) -> bool:
    if "stage_kind" in item.fixturenames:
        return bool(item.callspec.params["stage_kind"] == VIRTUAL)
    return "net" in item.fixturenames


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
    assert lasting_descriptors(before) == []


@pytest.fixture
async def net() -> AsyncGenerator[VirtualNetwork, None]:
    """A virtual network of seed 0, in virtual time; nothing may be left open on it."""
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


@pytest.fixture(params=[VIRTUAL, pytest.param(LOOPBACK, marks=pytest.mark.real)])
def stage_kind(request: pytest.FixtureRequest) -> str:
    """Which network the test runs on: it runs once on each."""
    kind: str = request.param
    return kind


@pytest.fixture
async def stage(stage_kind: str) -> AsyncGenerator[Stage, None]:
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
