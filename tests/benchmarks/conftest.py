"""An origin for the tests that start real programs."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.check import wait_until_ready
from benchmarks.machine import Cores
from benchmarks.origin import Origin, open_origin
from benchmarks.program import find
from benchmarks.rows.base import Bench


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """The running origin; skips where nginx or taskset is not installed."""
    missing = [name for name in ("nginx", "taskset") if find(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("origin")
    with open_origin(folder, core=min(os.sched_getaffinity(0))) as opened:
        wait_until_ready(opened.program, opened.port)
        yield opened


@pytest.fixture
def bench(origin: Origin, tmp_path: Path) -> Bench:
    """A bench of two rounds."""
    cores = Cores.of(os.sched_getaffinity(0))
    return Bench(tmp_path, cores, origin, seconds=1, rounds=2)
