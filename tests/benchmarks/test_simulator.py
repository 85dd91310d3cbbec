"""What a simulated run costs is measured on worlds that hold together."""

from types import SimpleNamespace

import pytest

from benchmarks import simulator


def test_every_row_is_printed_with_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulator.main(["--rounds", "1", "--scale", "0.003", "--day", "--profile", "busy"]) == 0
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split(" | ")[0].strip("| ") for line in printed if line.startswith("| ")]
    assert rows[:4] == ["row", "busy", "hour", "day"]
    assert "trio" in rows, "a part in the profile"


def test_the_hour_is_what_it_says() -> None:
    hour = simulator.ROWS["hour"].scaled(0.05)
    cost, result = simulator.measured(hour)
    assert result.require().ok
    assert cost.requests == pytest.approx(500, rel=0.2)
    assert cost.probes == pytest.approx(20 * 36, rel=0.1), "20 servers, one each 5 s, for 3 min"
    kinds = {fault.kind for fault in result.faults}
    assert kinds == {
        "partition", "slow", "reset", "blackhole", "pause", "refuse", "slow_accept",
    }  # fmt: skip


def test_a_bare_run_counts_nothing_but_time() -> None:
    cost, result = simulator.measured(simulator.ROWS["busy"].scaled(0.01), **simulator.BARE)
    assert (cost.requests, cost.happenings, result.trace_hash) == (0, 0, "")
    assert cost.cpu_seconds > 0.0


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("/x/trio_lb/proxy/forward.py", "proxy"),
        ("/x/trio_lb/sim/actors/server.py", "clients and servers (actors)"),
        ("/x/trio_lb/sim/clock.py", "clock and pins"),
        ("/x/trio_lb/sim/pipe.py", "virtual network"),
        ("/x/trio_lb/app/opening.py", "the rest of trio_lb"),
        ("/x/site-packages/trio/_core/_run.py", "trio"),
        ("/x/site-packages/h11/_connection.py", "h11"),
        ("/x/site-packages/outcome/_impl.py", "trio"),
        ("/x/lib/python3.11/contextlib.py", "the standard library"),
    ],
)
def test_each_function_belongs_to_a_part(file: str, part: str) -> None:
    assert simulator.part_of(file) == part


def test_what_is_built_in_counts_for_its_callers() -> None:
    run = ("/x/trio_lb/proxy/forward.py", 1, "run")
    called = {run: (2, 2, 1.0, 1.0)}
    stats = SimpleNamespace(
        stats={run: (1, 1, 2.0, 3.0, {}), ("~", 0, "<len>"): (2, 2, 1.0, 1.0, called)}
    )
    assert simulator.by_part(stats) == {"proxy": 3.0}
