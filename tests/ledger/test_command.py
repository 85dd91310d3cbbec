"""The command: what it refuses, what it prints, what it writes, how it ends."""

import json
from pathlib import Path

import pytest

from benchmarks.ledger.command import EXIT_FAILED, EXIT_OK, main


@pytest.mark.parametrize(
    "arguments", [["--scenario", "no-such"], ["--proxy", "no-such"], ["--requests", "many"]]
)
def test_what_it_does_not_know_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert arguments[1] in capsys.readouterr().err


@pytest.mark.real
def test_a_run_ends_with_a_table_and_leaves_its_figures_and_journals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, kept = tmp_path / "figures.json", tmp_path / "kept"
    arguments = ["--scenario", "stop", "--requests", "100", "--json", str(figures)]
    code = main([*arguments, "--keep", str(kept)])
    printed = capsys.readouterr().out
    assert code == EXIT_OK, printed
    assert "| the proxy is told to leave under load | 0 / 0 |\n" in printed
    (cell,) = json.loads(figures.read_text("utf-8"))
    assert (cell["scenario"], cell["proxy"], cell["problems"]) == ("stop", "trio_lb", [])
    assert cell["figures"]["requests"] >= 50
    assert {"clients.jsonl", "server-0.jsonl", "access.log"} <= {
        path.name for path in (kept / "stop-trio_lb").iterdir()
    }


@pytest.mark.real
def test_a_limit_that_is_not_kept_is_said_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """So few requests that none is left to see the recovery: that limit cannot be kept."""
    code = main(["--scenario", "outage", "--requests", "20"])
    assert code == EXIT_FAILED
    assert "recovery_seconds" in capsys.readouterr().out
