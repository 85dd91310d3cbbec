"""The public names of the simulator: each leads to what it says, and costs nothing until used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from trio_lb import sim

SOURCE = Path(sim.__file__).read_text("utf-8")


@pytest.mark.parametrize("name", sim.__all__)
def test_each_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(sim, name).__doc__


def test_type_checkers_see_the_same_names_as_programs() -> None:
    (block,) = (each for each in ast.parse(SOURCE).body if isinstance(each, ast.If))
    seen = {
        alias.asname: each.module
        for each in block.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    assert seen == sim._HOME_OF


def test_no_name_is_a_module_s_too() -> None:
    folder = Path(sim.__path__[0])
    modules = {path.stem for path in folder.iterdir() if path.suffix in {"", ".py"}}
    assert not modules & set(sim.__all__)


def test_the_package_itself_imports_nothing() -> None:
    code = "import sys, trio_lb.sim; print('trio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
