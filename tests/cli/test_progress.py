"""The bar: on a terminal, and nowhere else."""

import io

from trio_lb.cli.progress import progress
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


def test_a_file_sees_nothing() -> None:
    file = io.StringIO()
    with progress(file) as show:
        show(Counts(3, 10, 1))
    assert file.getvalue() == ""
