"""Reading a trace back: what was written comes out, and what is not a whole trace is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trio_lb.model.errors import ConfigError
from trio_lb.sim.trace import Trace, TraceEvent, TraceHeader, Value
from trio_lb.sim.trace_reader import life_of, line_of, read_header, read_trace

HEADER = TraceHeader(seed=7, schedule="shuffle:3", versions={"trio": "0.31.0"}, config_hash="ab")
COUNT = 2_500


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A trace of 2,500 events, one a millisecond, of the requests 0 to 6 in turn."""
    path = tmp_path / "run.jsonl"
    with path.open("w", encoding="ascii") as file, Trace(HEADER, file) as trace:
        for n in range(COUNT):
            trace.record(n / 1_000, "SEND", "lb", n % 3, n % 7, n)
    return path


def change(path: Path, number: int, edit: Callable[[str], str]) -> None:
    """Edit one line (from 1) of a file."""
    lines = path.read_text("ascii").splitlines(keepends=True)
    lines[number - 1] = edit(lines[number - 1])
    path.write_text("".join(lines), "ascii")


def problem_of(path: Path) -> str:
    """Read all of it and return what is wrong, without the folder."""
    with pytest.raises(ConfigError) as caught:
        list(read_trace(path)[1])
    return str(caught.value).replace(f"{path}", "run.jsonl")


def test_the_header_and_the_events_come_back(path: Path) -> None:
    header, events = read_trace(path)
    assert header == HEADER == read_header(path)
    assert list(events) == [
        TraceEvent(n * 1_000_000, n + 1, "SEND", "lb", n % 3, n % 7, (n,)) for n in range(COUNT)
    ]


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=5)
VALUES: st.SearchStrategy[Value] = st.one_of(st.integers(), NAMES)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**6), NAMES, NAMES, st.integers(), st.integers(), st.lists(VALUES)
        )
    )
)
def test_whatever_may_be_recorded_is_read_back_as_it_was(
    tmp_path: Path, drawn: list[tuple[int, str, str, int, int, list[Value]]]
) -> None:
    path = tmp_path / "any.jsonl"
    with path.open("w", encoding="ascii") as file, Trace(HEADER, file) as trace:
        for at, kind, entity, conn, req, more in sorted(drawn, key=lambda event: event[0]):
            trace.record(at, kind, entity, conn, req, *more)
    read = [(e.at_ns, e.kind, e.entity, e.conn, e.req, [*e.values]) for e in read_trace(path)[1]]
    assert read == [(at * 10**9, *rest) for at, *rest in sorted(drawn, key=lambda event: event[0])]


def test_the_life_of_a_request_is_all_its_events_in_order(path: Path) -> None:
    assert [event.seq for event in life_of(path, 5)] == list(range(6, COUNT + 1, 7))
    assert life_of(path, 8) == []


def test_events_are_read_as_they_are_asked_for(path: Path) -> None:
    change(path, 1_500, lambda _: "broken\n")
    _, events = read_trace(path)
    assert [next(events).seq for _ in range(1_000)] == list(range(1, 1_001))
    events.close()  # The file, too.


def test_an_event_reads_as_a_sentence() -> None:
    event = TraceEvent(3_000_000_045, 12, "SEND", "lb", 3, 7, (80, "FIN"))
    assert str(event) == "3.000000045 s #12 SEND lb conn 3 req 7: 80 FIN"
    assert str(TraceEvent(0, 1, "UP", "b00", 0, 0)) == "0.000000000 s #1 UP b00 conn 0 req 0"


def test_line_numbers_count_the_header_and_the_checkpoints(path: Path) -> None:
    lines = path.read_text("ascii").splitlines()
    for seq in (1, 2, 999, 1_000, 1_001, 2_000, 2_001, COUNT):
        assert json.loads(lines[line_of(seq) - 1])[1] == seq


def test_a_trace_of_another_version_is_refused(path: Path) -> None:
    change(path, 1, lambda line: line.replace('"schema": 1', '"schema": 2'))
    with pytest.raises(ConfigError, match="2 is a trace of another format; allowed: 1") as caught:
        read_trace(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.path) == (str(path), 1, "schema")


@pytest.mark.parametrize("schema", ["true", '"1"', "1.0", "null"])
def test_only_the_number_is_the_version(path: Path, schema: str) -> None:
    change(path, 1, lambda line: line.replace('"schema": 1', f'"schema": {schema}'))
    assert "is a trace of another format; allowed: 1" in problem_of(path)


@pytest.mark.parametrize("text", ["", "\n", "{}\n", "[]\n", "server {\n", "\xff\n", "[" * 99_999])
def test_another_file_is_no_trace(path: Path, text: str) -> None:
    path.write_text(text, "latin-1")
    assert (
        problem_of(path)
        == "run.jsonl:1 is no trace: the first line has to be a header with 'schema'"
    )


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.jsonl can't be read: No such file"):
        read_trace(tmp_path / "gone.jsonl")


def test_a_header_without_its_seed_is_refused(path: Path) -> None:
    change(path, 1, lambda line: line.replace('"seed"', '"sed"'))
    assert problem_of(path) == "run.jsonl:1 seed: None is not of type int"


@pytest.mark.parametrize(("lines", "events"), [(1, 0), (500, 499), (1_001, 1_000), (1_002, 1_000)])
@pytest.mark.parametrize("half", ["", "[30"])
def test_a_trace_that_was_cut_off_says_where(
    path: Path, lines: int, events: int, half: str
) -> None:
    kept = path.read_text("ascii").splitlines(keepends=True)[:lines]
    path.write_text("".join(kept) + half, "ascii")
    assert problem_of(path) == (
        f"run.jsonl:{lines + 1} the trace is cut off here, after event {events}:"
        " its last line is missing"
    )


@pytest.mark.parametrize(
    ("number", "line", "message"),
    [
        (5, "[3000000,9", "5 is no event: [t_ns, number, kind, entity, conn, req, …]"),
        (5, '[3000000,4,"SEND","lb",0]', "5 is no event"),
        (5, '[3.0,4,"SEND","lb",0,3,3]', "5 is no event"),
        (5, '[3000000,4,"SEND","lb",0,3,0.5]', "5 is no event"),
        (5, '[3000000,4,"SEND","lb",0,3,true]', "5 is no event"),
        (5, '[3000000,5,"SEND","lb",0,3,3]', "5 is event 5, expected was 4"),
        (5, '[3000000,4,"SEND","lb",0,3,4]', "1002 hash: "),
        (5, "{}", "5 is neither an event, nor a checkpoint, nor the end"),
        (5, "null", "5 is neither an event"),
        (1_002, '{"checkpoint": 999}', "1002 checkpoint: 999 events were written, 1000 are there"),
        (2_504, '{"end": 2500, "hash": "0"}', "2504 hash: '0' is not "),
        (2_504, '{"end": 9, "hash": "0"}', "2504 end: 9 events were written, 2500 are there"),
    ],
)
def test_a_line_that_was_changed_is_found(path: Path, number: int, line: str, message: str) -> None:
    change(path, number, lambda _: line + "\n")
    assert problem_of(path).startswith(f"run.jsonl:{message}")


def test_nothing_may_follow_the_end(path: Path) -> None:
    with path.open("a", encoding="ascii") as file:
        file.write("[]\n")
    assert problem_of(path) == "run.jsonl:2505 comes after the end of the trace"
