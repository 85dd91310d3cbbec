"""What the search for failures leaves behind on purpose, and a test must not."""

from collections.abc import Iterator
from multiprocessing import resource_tracker
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _tracker_of_spawned_processes_ends() -> Iterator[None]:
    """Python starts it with the first process that is spawned, and keeps it and its pipe."""
    yield
    tracker: Any = resource_tracker._resource_tracker
    tracker._stop()
