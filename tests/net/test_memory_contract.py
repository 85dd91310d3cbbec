"""A stream inside the process passes the tests of real and virtual streams."""

import pytest

from tests.net.stages import MemoryStage
from tests.net.test_ending_contract import *  # noqa: F403 # The suite, with a stage of our own.
from tests.net.test_stream_contract import *  # noqa: F403 # The same.
from tests.support.stage import Stage


@pytest.fixture
def stage() -> Stage:
    """In memory, and nowhere else."""
    return MemoryStage()
