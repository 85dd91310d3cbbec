"""docs/guides/test-your-service.md, word by word: its files are written, its commands are run.

A block ``python NAME`` is a file of the project, ``lb.yaml`` stands without a name. Below a command a
block ``text`` shows lines of its output: they have to be there, in this order, but for numbers.
"""

import re
import shlex
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.sim.test_readme_page import missing
from tests.support.plugin import ROOT, run_pytest
from trio_lb.cli.main import main

GUIDE: Final = ROOT / "docs" / "guides" / "test-your-service.md"
PROJECT: Final = ROOT / "docs" / "examples" / "orders"
BLOCKS: Final[list[tuple[str, str, str]]] = re.findall(
    r"^```(\w+)(?: (\S+))?\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S
)
FILES: Final = {name: text for language, name, text in BLOCKS if language == "python"}
SESSIONS: Final = [
    (command, (language_below == "text" and text_below) or "")
    for (language, _, text), (language_below, _, text_below) in zip(
        BLOCKS, [*BLOCKS[1:], ("", "", "")], strict=True
    )
    if language == "console"
    for command in re.findall(r"^\$ (.*)$", text, re.M)
]
"""Each command, and what it is to say."""


def without_marks(said: str) -> str:
    """pytest marks the lines of an assertion."""
    return re.sub(r"^E  +", "E ", said, flags=re.M)


def run(project: Path, command: str, capsys: pytest.CaptureFixture[str]) -> str:
    program, *args = shlex.split(command)
    if program == "pytest":
        return run_pytest(project, *args).stdout
    assert program == "trio-lb"
    assert main(args) == 0
    return capsys.readouterr().out


@pytest.mark.timeout(300)
def test_whoever_follows_it_sees_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "orders"
    leave = shutil.ignore_patterns("tests", "__pycache__")
    shutil.copytree(PROJECT, project, ignore=leave)
    for name, text in FILES.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    monkeypatch.chdir(project)
    ran = 0
    for command, promised in SESSIONS:
        if not command.startswith(("pip ", "cd ")):
            said = run(project, command, capsys)
            assert list(missing(without_marks(promised), without_marks(said))) == [], said
            ran += 1
    assert ran == 3


QUOTED: Final = {
    "lb.yaml": next(text for language, _, text in BLOCKS if language == "yaml"),
    **{name: FILES[name] for name in ("orders/buggy.py", "tests/shop.py")},
}
"""The files of the example that the guide shows."""


@pytest.mark.parametrize("name", QUOTED)
def test_what_it_shows_of_the_example_is_what_stands_there(name: str) -> None:
    assert (PROJECT / name).read_text("utf-8") == QUOTED[name]


def test_the_other_tests_that_it_shows_are_those_of_the_example() -> None:
    """They are run there."""
    tests = (PROJECT / "tests" / "test_orders.py").read_text("utf-8")
    for name in ("test_covered.py", "test_lost.py"):
        _, _, functions = FILES[f"tests/{name}"].partition("\n\n")
        assert functions.strip() in tests
