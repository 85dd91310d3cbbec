"""Writing a trace: what is in its lines, what is refused, and that the hash is all it needs."""

import hashlib
import io
import json
from enum import Enum, IntEnum, StrEnum

import pytest

import trio_lb
from trio_lb.sim.trace import (
    MOST_NAMES,
    PINS,
    Trace,
    TraceHeader,
    current_versions,
    hash_of_config,
)

HEADER = TraceHeader(seed=7, versions={"python": "3.11.2", "trio": "0.31.0", "h11": "0.16.0"})


class Kind(Enum):
    ACCEPT = "a client came"


class Step(IntEnum):
    SHUT = 2


class Gate(IntEnum):
    LEFT = 2


class Word(StrEnum):
    SHUT = "shut"


def written(*events: tuple[object, ...]) -> list[str]:
    sink = io.StringIO()
    with Trace(HEADER, sink) as trace:
        for event in events:
            trace.record(*event)  # type: ignore[arg-type]  # Wrong values are what is tried.
    return sink.getvalue().splitlines()


def test_the_first_line_is_the_header_and_says_what_the_run_was_made_of() -> None:
    assert json.loads(written()[0]) == {
        "schema": 1,
        "seed": 7,
        "schedule": "fifo",
        "pins": list(PINS),
        "versions": {"python": "3.11.2", "trio": "0.31.0", "h11": "0.16.0"},
        "config_hash": "",
        "trial": "",
    }


def test_a_header_knows_the_versions_it_runs_under() -> None:
    assert TraceHeader(seed=1).versions == current_versions()
    assert list(current_versions()) == ["trio_lb", "python", "trio", "h11"]
    assert current_versions()["trio_lb"] == trio_lb.__version__


def test_another_configuration_has_another_hash() -> None:
    assert hash_of_config("pools: {}") == hash_of_config("pools: {}") != hash_of_config("")


def test_an_event_is_a_line_in_whole_nanoseconds_numbered_from_one() -> None:
    lines = written((0.1 + 0.2, Kind.ACCEPT, "lb", 3, 0), (1.5, "SEND", "b00", 3, 9, 80, Step.SHUT))
    assert lines[1:3] == [
        '[300000000,1,"ACCEPT","lb",3,0]',
        '[1500000000,2,"SEND","b00",3,9,80,"SHUT"]',
    ]


def test_text_is_escaped_and_ascii() -> None:
    line = written((0.0, 'said "no"', "köln", 0, 0, "zürich"))[1]
    assert line.isascii()
    assert json.loads(line)[2:] == ['said "no"', "köln", 0, 0, "zürich"]


def test_enums_that_equal_something_else_are_not_mixed_up_with_it() -> None:
    lines = written(*((0.0, kind, "lb") for kind in (Step.SHUT, Gate.LEFT, "shut", Word.SHUT)))
    assert [json.loads(line)[2] for line in lines[1:5]] == ["SHUT", "LEFT", "shut", "shut"]


def test_truth_is_written_as_one() -> None:
    assert written((0.0, "UP", "b00", 0, True, False))[1] == '[0,1,"UP","b00",0,1,0]'


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            (0.0, "A", "lb", 1, 1, 0.5),
            r"value: 0\.5 \(a float\) is not a whole number: round times",
        ),
        ((0.0, "A", "lb", 1.0), r"conn: 1\.0 \(a float\) is not a whole number"),
        ((0.0, "A", "lb", 0, "r1"), "req: a value of type str is not a whole number"),
        ((0.0, "A", "lb", Step.SHUT), "conn: a value of type Step is not a whole number"),
        ((0.0, "A", "lb", 0, 0, object()), "value: a value of type object is not a whole number"),
        ((0.0, "A", "lb", 0, 0, None), "value: a value of type NoneType is not"),
        ((0.0, 7, "lb"), "kind: a value of type int is neither text nor an enum"),
        ((0.0, "A", 2.5), r"entity: 2\.5 \(a float\) is neither text nor an enum"),
    ],
)
def test_a_value_that_could_differ_between_processes_is_refused(
    event: tuple[object, ...], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        written(event)


@pytest.mark.parametrize("text", ["a\nb", "\x00", "\x7f", "\u2028", "\ud800"])
@pytest.mark.parametrize("place", [1, 2, 5])
def test_text_that_can_not_be_printed_is_refused(text: str, place: int) -> None:
    event: list[object] = [0.0, "A", "lb", 0, 0, "x"]
    event[place] = text
    with pytest.raises(ValueError, match="holds characters that can't be printed"):
        written(tuple(event))


def test_an_event_that_is_refused_leaves_no_line() -> None:
    sink = io.StringIO()
    trace = Trace(HEADER, sink)
    with pytest.raises(TypeError):
        trace.record(5.0, "A", "lb", 0, 0, 0.5)  # type: ignore[arg-type]  # Refused on purpose.
    trace.record(1.0, "B", "lb")
    trace.end()
    assert sink.getvalue().splitlines()[1] == '[1000000000,1,"B","lb",0,0]'
    assert trace.count == 1


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="time went back from 2000000000 ns to 1000000000 ns"):
        written((2.0, "A", "lb"), (1.0, "B", "lb"))


@pytest.mark.parametrize("at", [float("nan"), float("inf")])
def test_an_instant_is_a_number(at: float) -> None:
    with pytest.raises((ValueError, OverflowError), match="cannot convert"):
        written((at, "A", "lb"))


def test_a_checkpoint_comes_after_each_thousand_events_and_the_end_last() -> None:
    lines = written(*((0.0, "A", "lb", 0, n) for n in range(2_500)))
    marks = {n: json.loads(line) for n, line in enumerate(lines) if line.startswith("{")}
    assert list(marks) == [0, 1001, 2002, 2503]
    assert [marks[1001]["checkpoint"], marks[2002]["checkpoint"], marks[2503]["end"]] == [
        1_000,
        2_000,
        2_500,
    ]
    assert len(dict.fromkeys(mark["hash"] for n, mark in marks.items() if n)) == 3


def test_the_hash_is_the_same_in_every_process_and_needs_no_file() -> None:
    sink = io.StringIO()
    digests = []
    for trace in (Trace(HEADER), Trace(HEADER, sink)):
        for n in range(1_234):
            trace.record(n / 8, Kind.ACCEPT, "lb", n, 0)
        digests.append(trace.hexdigest())
    events = [line for line in sink.getvalue().splitlines(True) if line.startswith("[")]
    assert len(events) == 1_234
    assert digests == ["e21a5c5b5c6eb21f278603ed22d68db3"] * 2
    assert hashlib.blake2b("".join(events).encode(), digest_size=16).hexdigest() == digests[0]


def test_asking_for_the_hash_in_between_changes_nothing() -> None:
    asked, quiet = io.StringIO(), io.StringIO()
    for sink in (asked, quiet):
        with Trace(HEADER, sink) as trace:
            for n in range(1_100):
                trace.record(0.0, "A", "lb", 0, n)
                if sink is asked and n % 99 == 0:
                    trace.hexdigest()
    assert asked.getvalue() == quiet.getvalue()


def test_the_hash_leaves_out_the_header() -> None:
    one, other = Trace(HEADER), Trace(TraceHeader(seed=8))
    assert one.hexdigest() == other.hexdigest()
    other.record(0.0, "A", "lb")
    assert one.hexdigest() != other.hexdigest()


def test_a_run_that_fails_still_ends_its_trace() -> None:
    sink = io.StringIO()

    def fail() -> None:
        with Trace(HEADER, sink) as trace:
            trace.record(0.0, "A", "lb")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert json.loads(sink.getvalue().splitlines()[-1])["end"] == 1


def test_nothing_comes_after_the_end() -> None:
    sink = io.StringIO()
    trace = Trace(HEADER, sink)
    assert trace.end() == trace.end() == trace.hexdigest()
    with pytest.raises(ValueError, match="the trace has ended after 0 events"):
        trace.record(0.0, "A", "lb")
    assert sink.getvalue().count("end") == 1


def test_more_names_than_are_remembered_are_written_as_well() -> None:
    names = [f"client-{n}" for n in range(MOST_NAMES + 5)]
    lines = written(*((0.0, "A", name) for name in names), (0.0, "A", names[0]))
    entities = [json.loads(line)[3] for line in lines if line.startswith("[")]
    assert entities == [*names, names[0]]
