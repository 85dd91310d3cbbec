"""Child processes: pinned, logged, and never left behind."""

import os
import signal
import sys
from pathlib import Path

import pytest

from benchmarks import program
from benchmarks.program import Program, ProgramFailed, open_program

CORE = min(os.sched_getaffinity(0))
NEEDS_TASKSET = pytest.mark.skipif(program.find("taskset") is None, reason="no taskset here")
pytestmark = [pytest.mark.real, NEEDS_TASKSET]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_program_and_its_children_are_gone_after_the_block(tmp_path: Path) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    forking = python(
        "import os, time\n"
        f"alive = open({str(fifo)!r}, 'wb', buffering=0)\n"
        "os.fork()\n"
        "alive.write(b'.')\n"
        "time.sleep(60)\n"
    )
    with open_program("forking", forking, core=CORE, folder=tmp_path) as running:
        alive = fifo.open("rb", buffering=0)
        assert alive.read(1) + alive.read(1) == b".."
        assert running.resident_bytes() > 0
    with alive:
        assert alive.read() == b"", "the end of file comes once nobody can write any more"


def test_a_program_runs_on_its_core(tmp_path: Path) -> None:
    asking = python("import os; print(os.sched_getaffinity(0))")
    with open_program("asking", asking, core=CORE, folder=tmp_path) as running:
        running.process.wait(20)
    assert running.log.read_text() == f"{{{CORE}}}\n"


def interrupt_a_sleeper(folder: Path, started: list[Program]) -> None:
    sleeping = python("import time; time.sleep(60)")
    with open_program("sleeping", sleeping, core=CORE, folder=folder) as running:
        started.append(running)
        raise KeyboardInterrupt


def test_the_child_of_a_block_that_is_interrupted_is_ended_too(tmp_path: Path) -> None:
    started: list[Program] = []
    with pytest.raises(KeyboardInterrupt):
        interrupt_a_sleeper(tmp_path, started)
    assert [running.process.returncode for running in started] == [-signal.SIGTERM]


def test_a_program_that_ended_says_its_last_words(tmp_path: Path) -> None:
    failing = python("import sys; print('first'); sys.exit('no such port\\n\\n')")
    with open_program("failing", failing, core=CORE, folder=tmp_path) as running:
        running.process.wait(20)
        with pytest.raises(ProgramFailed, match=r"failing ended with exit code 1: no such port$"):
            running.check()


def test_a_program_that_is_not_installed_is_named_with_what_to_type() -> None:
    with pytest.raises(ProgramFailed, match=r"apt-get install no-such-program"):
        program.require("no-such-program")
