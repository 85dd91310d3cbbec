"""docs/simulation/own-programs.md: each program on it runs, and prints what stands below it."""

import re
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = Path(__file__).parents[2] / "docs" / "simulation" / "own-programs.md"
EXAMPLES: Final = re.findall(
    r"^```python\n(.*?)^```$.*?^```text\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S
)


def test_there_are_four() -> None:
    assert len(EXAMPLES) == PAGE.read_text("utf-8").count("```python\n") == 4


@pytest.mark.parametrize(
    ("program", "promised"), EXAMPLES, ids=["alone", "behind a balancer", "in a world", "followed"]
)
def test_it_prints_what_it_says_it_prints(
    program: str, promised: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        exec(compile(program, PAGE.name, "exec"), {"__name__": "example"})
        assert capsys.readouterr().out == promised
