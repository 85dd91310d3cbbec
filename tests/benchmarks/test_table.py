"""The table: medians, ratios, marks for what failed, and notes."""

from typing import ClassVar

from typing_extensions import override

from benchmarks import table
from benchmarks.peers.base import Peer
from benchmarks.results import DIRECT, Results, RowResult, Sample
from benchmarks.rows import ROWS
from benchmarks.rows.base import Bench, Figure, Row


class Small(Row):
    """A row with two figures that nobody runs."""

    name = "small"
    title = "32 connections"
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("cpu_us", "CPU µs"),
        Figure("rate", "req/s", digits=0),
    )

    @override
    def run(self, peers: object, bench: Bench, result: RowResult) -> None:
        raise NotImplementedError


def a_run() -> Results:
    row = RowResult()
    row.add("nginx", Sample({"cpu_us": 12.5, "rate": 79012.0}))
    row.add("ours", Sample({"cpu_us": 187.5, "rate": 5267.0}))
    return Results(
        machine="a machine",
        date="2026-01-02",
        seconds=2,
        rounds=3,
        versions={"nginx": "1.22.1", "ours": "0.1"},
        absent={},
        rows={"small": row},
    )


def cells(run: Results) -> list[list[str]]:
    return [list(line) for line in table.make(run, [Small()], "ours").lines]


def test_a_peer_s_cell_holds_its_median_and_our_ratio_to_it() -> None:
    assert cells(a_run()) == [
        ["", "nginx 1.22.1", "ours 0.1"],
        ["32 connections: CPU µs", "12.5 (15.00×)", "187.5"],
        ["… req/s", "79,012 (0.07×)", "5,267"],
    ]


def test_without_our_figure_there_is_no_ratio() -> None:
    run = a_run()
    del run.rows["small"].samples["ours"]
    run.rows["small"].fail("ours", "it ended")
    assert cells(run)[1][1:] == ["12.5", "failed"]


def test_errors_mark_every_cell_of_the_peer_and_are_counted_below() -> None:
    run = a_run()
    run.rows["small"].add(
        "nginx", Sample({"cpu_us": 12.5, "rate": 79012.0}, {"timeout": 1037, "read": 2})
    )
    made = table.make(run, [Small()], "ours")
    assert [line[1] for line in made.lines[1:]] == ["12.5 (15.00×) (!)", "79,012 (0.07×) (!)"]
    assert "small: (!) nginx: errors seen by the client: 1,037 timeout, 2 read" in made.notes


def test_a_peer_that_failed_after_a_round_keeps_its_figures_and_is_marked() -> None:
    run = a_run()
    run.rows["small"].fail("nginx", "it ended")
    made = table.make(run, [Small()], "ours")
    assert made.lines[1][1] == "12.5 (15.00×) (!)"
    assert "small: nginx failed: it ended" in made.notes


def test_an_absent_peer_has_a_column_and_a_note_that_says_how_to_get_it() -> None:
    run = a_run()
    run.absent = {"Caddy": "apt-get install caddy"}
    made = table.make(run, [Small()], "ours")
    assert [line[3] for line in made.lines] == ["Caddy", "absent", "absent"]
    assert "Caddy: absent (apt-get install caddy)" in made.notes


def test_the_delay_without_a_proxy_is_noted_where_it_was_measured() -> None:
    run = a_run()
    run.rows["small"].add(DIRECT, Sample({"p50_us": 89.0}))
    assert "small: without a proxy p50 89 µs" in table.make(run, [Small()], "ours").notes


def test_the_origin_without_a_proxy_has_the_first_column_where_it_was_measured() -> None:
    run = a_run()
    run.rows["small"].add(DIRECT, Sample({"rate": 90000.0}))
    assert [line[1] for line in cells(run)] == ["direct", "–", "90,000 (0.06×)"]


def test_the_notes_name_rounds_seconds_date_and_machine() -> None:
    legend, where, *rest = table.make(a_run(), [Small()], "ours").notes
    assert legend.endswith("Medians; rounds: 3, 2 s each.")
    assert (where, rest) == ("2026-01-02, a machine", [])


def test_text_aligns_its_columns_and_markdown_is_a_pipe_table() -> None:
    made = table.Table([["", "nginx"], ["CPU µs", "12.5 (2.00×)"]], ["a note"])
    assert made.as_text() == "               nginx\nCPU µs  12.5 (2.00×)\n\na note"
    assert made.as_markdown() == (
        "|  | nginx |\n| --- | ---: |\n| CPU µs | 12.5 (2.00×) |\n\n- a note"
    )


def test_no_two_rows_share_a_name_and_no_row_repeats_a_figure() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    keys = {row.name: [figure.key for figure in row.figures] for row in ROWS}
    assert {name: k for name, k in keys.items() if len(set(k)) < len(k)} == {}


def test_a_peer_is_an_abstraction_that_says_what_it_needs() -> None:
    assert {"is_present", "version", "command"} == Peer.__abstractmethods__
