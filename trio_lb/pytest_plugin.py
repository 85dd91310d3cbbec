"""The pytest plugin: the fixture ``lb_sim``, the options ``--lb-seed`` and ``--lb-report``.

It is loaded in every run of pytest where trio_lb is installed, so it imports nothing until a test
asks for the fixture.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trio_lb.sim.testing import SimulationTester


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--lb-seed`` and ``--lb-report``."""
    group = parser.getgroup("trio_lb", "simulations of trio_lb")
    group.addoption(
        "--lb-seed",
        type=int,
        default=None,
        metavar="SEED",
        help="the seed of every simulation, and the only one (default: 0, and those that follow)",
    )
    group.addoption(
        "--lb-report",
        default=None,
        metavar="FOLDER",
        help="where a simulation that fails leaves its report and its trace (default: nowhere)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder for reports now: a failure would be too late to hear that there is none."""
    folder = config.getoption("--lb-report")
    if folder is None:
        return
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--lb-report {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise pytest.UsageError(f"--lb-report {folder}: nothing can be written there")


@pytest.fixture
def lb_sim(request: pytest.FixtureRequest) -> "SimulationTester":
    """Return what runs simulations for this test: ``run``, ``explore``, ``replay``, ``simulation``."""
    from trio_lb.sim.testing import SimulationTester

    seed = request.config.getoption("--lb-seed")
    return SimulationTester(
        request.node.name,
        seed or 0,
        only=seed is not None,
        report=request.config.getoption("--lb-report"),
        node=_node_from_here(request),
    )


def _node_from_here(request: pytest.FixtureRequest) -> str:
    """Return the test's id for a command line where this one was given: not each stands at the root."""
    path = os.path.relpath(request.node.path, request.config.invocation_params.dir)
    return "::".join([path, *str(request.node.nodeid).split("::")[1:]])
