"""The command line: what is chosen, and what is refused."""

import os
import signal

import pytest

from benchmarks import command
from benchmarks.command import UnknownName, choose
from benchmarks.peers import PEERS
from benchmarks.rows import ROWS


def test_quick_runs_the_three_rows_and_the_five_proxies() -> None:
    assert [row.name for row in choose(ROWS, None, quick=True)] == ["small", "single", "bulk"]
    peers = [peer.name for peer in choose(PEERS, None, quick=True)]
    assert peers == ["nginx", "Caddy", "aiohttp", "plain h11", "trio_lb"]


def test_without_quick_all_of_them_run() -> None:
    assert choose(ROWS, None, quick=False) == list(ROWS)
    assert choose(PEERS, None, quick=False) == list(PEERS)


def test_named_ones_run_in_the_table_s_order_whatever_their_case() -> None:
    peers = choose(PEERS, ["TRIO_LB", "haproxy", "nginx"], quick=True)
    assert [peer.name for peer in peers] == ["nginx", "HAProxy", "trio_lb"]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownName, match=r"unknown: smal \(there are: browser, bulk, .* small, "):
        choose(ROWS, ["smal", "bulk"], quick=False)


def test_an_unknown_name_ends_the_command_as_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["--rows", "smal"]) == command.EXIT_USAGE
    assert "unknown: smal" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "many", ""])
def test_rounds_and_seconds_are_whole_and_at_least_one(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.parser().parse_args(["--rounds", text])
    assert ended.value.code == command.EXIT_USAGE
    assert "is not a whole number >= 1" in capsys.readouterr().err


def send_twice(number: signal.Signals, cleared: list[str]) -> None:
    """What Ctrl-C, Ctrl-C does: the second comes while the first clears things away."""
    with command.stopping_by_signal():
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
            cleared.append("all of it")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_unwinds_once_a_second_is_ignored_and_the_handlers_come_back(
    number: signal.Signals,
) -> None:
    before = signal.getsignal(number)
    cleared: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        send_twice(number, cleared)
    assert cleared == ["all of it"]
    assert signal.getsignal(number) is before
