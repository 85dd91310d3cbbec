"""The pages on searching and replaying: their examples run, and print what they show."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from trio_lb.sim.happening import What
from trio_lb.sim.search.replay import explain, tell_difference, tell_run
from trio_lb.sim.trace import Trace, TraceHeader

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "simulation"
MS = 1_000_000


def blocks(page: str, language: str) -> list[str]:
    text = (PAGES / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_page_on_searching_run_as_one_program(tmp_path: Path) -> None:
    """In a process of its own: one of them forks, and nobody else's threads should be there."""
    examples = [
        each for each in blocks("search.md", "python") if "shop.simulations import" not in each
    ]
    emitted = next(each for each in blocks("search.md", "python") if each not in examples)
    program = tmp_path / "program.py"
    ends = f"assert text == {emitted!r}\n" + "sys.stdout.write('all of it')\n"
    program.write_text("\n".join(["import sys", *examples, ends]), "utf-8")
    command = [sys.executable, "-W", "error", str(program)]
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "all of it", "")
    assert len(examples) == 6


def play(path: Path, *, whole: bool = True) -> Path:
    header = TraceHeader(seed=7, versions={"trio": "0.31.0", "h11": "0.16.0"})
    with path.open("w", encoding="ascii", newline="\n") as file, Trace(header, file) as trace:
        tell = trace.record
        tell(0.0, What.PHASE, "sim", 0, 0, "safety")
        tell(0.5, What.INJECT, "server:s3", 0, 0, "crash", 0, '{"fin": false}')
        tell(0.9, What.EJECT, "lb", 0, 0, "s2", "api", "consecutive_errors", 30_000 * MS)
        tell(1.0, What.ARRIVE, "web", 0, 17, "GET")
        tell(1.0, What.TRY, "web", 3, 17, 1, "GET")
        tell(1.001, What.START, "lb", 4, 17, "a7")
        tell(1.001, What.SELECT, "lb", 0, 17, "s3", "api", 2)
        if not whole:
            return path
        tell(2.0, What.HEALTH, "lb", 0, 0, "s3", "api", 0, "timeout")
        tell(2.001, What.RETRY, "lb", 0, 17, "s3", "api", 1, "timeout", 0)
        tell(2.001, What.SELECT, "lb", 0, 17, "s1", "api", 0)
        tell(2.002, What.TAKE, "s1", 9, 17, "GET", 1, 0)
        tell(2.002, What.BEGIN, "s1", 9, 17, 0)
        tell(2.012, What.REPLY, "s1", 9, 17, 200, 5, 10 * MS)
        tell(2.013, What.COMPLETE, "lb", 0, 17, "s1", "api", 200, 2, 1012 * MS)
        tell(2.014, What.ANSWER, "web", 3, 17, 200, 5, 1014 * MS, "s1")
        tell(2.014, What.DONE, "web", 3, 17, 1, 1, 1014 * MS, "")
    return path


@pytest.mark.parametrize("part", ["run", "explain", "difference"])
def test_the_page_on_replaying_shows_what_is_told(part: str, tmp_path: Path) -> None:
    path, other = play(tmp_path / "a"), play(tmp_path / "b", whole=False)
    lines: dict[str, Iterable[str]] = {
        "run": tell_run(path, until=1.0),
        "explain": explain(path, 17),
        "difference": tell_difference(path, other),
    }
    told = "\n".join(lines[part])
    assert f"<!-- {part} -->\n```\n{told}\n```\n" in (PAGES / "replay.md").read_text("utf-8")
