"""How far it is: a bar on a terminal, elsewhere a line each tenth of what takes long."""

import io

import pytest

from trio_lb.cli.progress import SILENT_SECONDS, progress
from trio_lb.sim.search.progress import Counts


class Terminal(io.StringIO):
    """A text stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is_and_the_line_is_ended() -> None:
    terminal = Terminal()
    with progress(terminal) as show:
        show(Counts(3, 10, 1))
        assert "3 of 10, 1 failed" in terminal.getvalue()
        assert terminal.getvalue().startswith("\r")
    assert terminal.getvalue().endswith("\n")


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the stopwatch says, in its only element."""
    said = [0.0]
    monkeypatch.setattr("trio_lb.cli.progress.Stopwatch.seconds", lambda self: said[0])
    return said


def test_a_file_sees_a_line_each_tenth(seconds: list[float]) -> None:
    file = io.StringIO()
    seconds[0] = 20.0
    with progress(file) as show:
        for done in range(1, 31):
            show(Counts(done, 30, 1))
    lines = file.getvalue().splitlines()
    assert len(lines) == 10
    assert "3 of 30, 1 failed" in lines[0]
    assert "30 of 30, 1 failed" in lines[-1]


def test_a_file_sees_nothing_of_what_is_over_soon(seconds: list[float]) -> None:
    file = io.StringIO()
    with progress(file) as show:
        show(Counts(3, 10, 1))
        assert file.getvalue() == ""
        seconds[0] = SILENT_SECONDS
        show(Counts(4, 10, 1))
    assert "4 of 10, 1 failed" in file.getvalue()
