"""Running pytest in a project of somebody's own, with our plugin there, once."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

_IS_INSTALLED: Final = any(each.name == "trio_lb" for each in entry_points(group="pytest11"))

PLUGIN: Final = () if _IS_INSTALLED else ("-p", "trio_lb.pytest_plugin")
"""What an environment needs to be told in which we run from a checkout; pytest refuses it twice."""


def run_pytest(folder: Path, *args: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
    """Run the tests of the project in ``folder`` in a process of its own."""
    command = [sys.executable, "-m", "pytest", *PLUGIN, "-p", "no:cacheprovider", *args]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        command,
        cwd=folder,
        env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
