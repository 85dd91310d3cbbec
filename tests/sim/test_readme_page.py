"""docs/simulation/README.md: every command on it is run, in its order; each program, each link.

A block ``sh`` is run; ``sh fails`` has to end with 1, ``sh finds`` may. One with a file's name is that. Below
a command a block ``text`` shows lines of its output: they have to be there, but for numbers.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from trio_lb.cli.main import main

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "simulation" / "README.md"
TEXT: Final = PAGE.read_text("utf-8")
BLOCKS: Final[list[tuple[str, str, str]]] = re.findall(
    r"^```(\w+)(?: (\S+))?\n(.*?)^```$", TEXT, re.M | re.S
)

CODES: Final = {"": (0,), "fails": (1,), "finds": (0, 1)}


def masked(text: str) -> list[str]:
    """Lines without their numbers and hashes; how wide a column is depends on them, too."""
    return [
        re.sub(r"\s+", " ", re.sub(r"\b[0-9a-f]{32}\b|\d[\d.,]*", "#", line))
        for line in text.splitlines()
    ]


def missing(promised: str, output: str) -> Iterator[str]:
    """Yield the promised lines that do not come, in their order; an ellipsis is none."""
    rest = iter(masked(output))
    for line in masked(promised):
        if line != "…" and line not in rest:
            yield line


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_command_does_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    ran, output = 0, ""
    for language, info, text in BLOCKS:
        if language == "text":
            assert list(missing(text, output)) == []
        elif language != "sh" and info:
            (tmp_path / info).write_text(text)
        elif language == "sh":
            output = ""
            for command in text.splitlines():
                assert main(shlex.split(command)[1:]) in CODES[info], command
                output += capsys.readouterr().out
                ran += 1
    del sys.modules["story"]  # Found where it was written, which is gone soon.
    assert ran == TEXT.count("\ntrio-lb ")
    assert (tmp_path / "out.html").exists()
    assert (tmp_path / "ab.html").exists()


PROGRAMS: Final = [text for language, info, text in BLOCKS if language == "python" and not info]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_runs(program: str) -> None:
    exec(compile(program, PAGE.name, "exec"), {"__name__": "example"})


def test_there_is_one_program() -> None:
    assert len(PROGRAMS) == 1


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert len(links) > 10
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
