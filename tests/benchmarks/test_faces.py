"""The table of what the two faces of the virtual network cost."""

import pytest

from benchmarks.faces import main


def test_both_faces_are_measured_with_long_and_short_connections(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--requests", "40", "--rounds", "1"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head == "| requests of a connection | own face | sockets | ratio |"
    cells = [row.strip("| ").split(" | ") for row in rows]
    assert [row[0] for row in cells] == ["100", "4"]
    for _, own, sockets, ratio in cells:
        assert float(own) > 0
        assert abs(float(ratio) - float(sockets) / float(own)) < 0.02
