"""The picture: well-formed, a bar for each peer, longer where there is more."""

from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from benchmarks import plot
from benchmarks.results import Results, RowResult, Sample
from benchmarks.rows.idle import Idle
from benchmarks.rows.small import Small

SVG: Final = "{http://www.w3.org/2000/svg}"


def a_run(**costs: float) -> Results:
    row = RowResult()
    for peer, cost in costs.items():
        row.add(peer, Sample({"cpu_us": cost}))
    versions = dict.fromkeys(costs, "1")
    return Results("<a machine>", "2026-01-02", 2, 3, versions, {}, {"small": row})


def bars(run: Results) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(plot.render(run, [Small(), Idle()], "ours"))
    return root.findall(f"{SVG}rect")


def test_each_peer_has_a_bar_and_ours_has_its_own_colour() -> None:
    assert [bar.get("class") for bar in bars(a_run(nginx=12.0, ours=90.0, other=180.0))] == [
        "b",
        "o",
        "b",
    ]


def test_ten_times_as_much_is_one_step_longer_wherever_it_starts() -> None:
    one, ten, hundred = (float(bar.get("width", 0)) for bar in bars(a_run(a=2, b=20, c=200)))
    assert hundred - ten == pytest.approx(ten - one, abs=0.2)
    assert ten - one > 100


def test_values_stand_beside_their_bars_and_text_is_escaped() -> None:
    drawn = plot.render(a_run(nginx=1234.56), [Small()], "ours")
    assert ">1,234.6</text>" in drawn
    assert "&lt;a machine&gt;" in drawn


def test_a_single_value_and_nothing_at_all_are_drawn_too(tmp_path: Path) -> None:
    assert len(bars(a_run(ours=100.0))) == 1
    assert bars(a_run()) == []
    plot.write(a_run(ours=1.0), [Small()], "ours", tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_text("utf-8").endswith("</svg>\n")
