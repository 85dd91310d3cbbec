"""Fixtures of the simulator's own tests."""

from collections.abc import AsyncGenerator

import pytest

from tests.support.stage import Stage, VirtualStage
from trio_lb.sim.shim import install


@pytest.fixture
async def place(stage: Stage) -> AsyncGenerator[Stage, None]:
    """A stage of either kind, to which ``trio.socket`` leads meanwhile."""
    if isinstance(stage, VirtualStage):
        with install(stage.net, host="server"):
            yield stage
    else:
        yield stage
