"""TLS over each kind of stream passes the tests of a stream: what is below shows nowhere."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.net.identities import both_sides
from tests.net.stages import MemoryStage, TlsStage
from tests.net.test_ending_contract import *  # noqa: F403 # The suite, with stages of our own.
from tests.net.test_stream_contract import *  # noqa: F403 # The same.
from tests.support.leaks import find_leaks
from tests.support.stage import LOOPBACK, VIRTUAL, LoopbackStage, Stage, VirtualStage
from trio_lb.sim.network import VirtualNetwork

MEMORY = "memory"


@pytest.fixture(params=[MEMORY, VIRTUAL, pytest.param(LOOPBACK, marks=pytest.mark.real)])
def stage_kind(request: pytest.FixtureRequest) -> str:
    """What TLS runs over."""
    kind: str = request.param
    return kind


@pytest.fixture
async def stage(stage_kind: str, tmp_path: Path) -> AsyncGenerator[Stage, None]:
    """TLS over a stage of each kind."""
    server, client = both_sides(tmp_path)
    net = VirtualNetwork()
    below: dict[str, Stage] = {
        MEMORY: MemoryStage(),
        VIRTUAL: VirtualStage(net),
        LOOPBACK: LoopbackStage(),
    }
    yield TlsStage(below[stage_kind], server, client)
    if stage_kind == VIRTUAL:
        assert await find_leaks(net) == []
