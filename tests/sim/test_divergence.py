"""Where two traces part: found wherever it is, told with what came before and after."""

from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trio_lb.model.errors import ConfigError
from trio_lb.sim.divergence import Divergence, first_divergence
from trio_lb.sim.trace import Trace, TraceHeader
from trio_lb.sim.trace_reader import line_of

HEADER = TraceHeader(seed=7, versions={"python": "3.11.2", "trio": "0.31.0"})
MANY = 100_000


def write(
    path: Path,
    count: int,
    *,
    changed: Mapping[int, str] | None = None,
    left_out: int = 0,
    header: TraceHeader = HEADER,
) -> Path:
    """A trace of ``count`` events; those in ``changed`` (by number) are of another kind.

    The one that is ``left_out`` does not happen; those after it do, under other numbers.
    """
    changed = changed or {}
    with path.open("w", encoding="ascii") as file, Trace(header, file) as trace:
        for seq in range(1, count + 1):
            if seq == left_out:
                continue
            trace.record(seq / 1_000, changed.get(seq, "SEND"), "lb", seq % 97, seq // 10)
    return path


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("original") / "run.jsonl", MANY)


def found(a: Path, b: Path) -> Divergence:
    divergence = first_divergence(a, b)
    assert divergence is not None
    return divergence


def test_a_trace_does_not_differ_from_its_twin(original: Path, tmp_path: Path) -> None:
    assert first_divergence(original, original) is None
    assert first_divergence(original, write(tmp_path / "twin.jsonl", MANY)) is None


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    places=st.lists(st.integers(1, MANY), min_size=1, max_size=3),
    kind=st.sampled_from(["RECV", "X"]),
)
@pytest.mark.timeout(240)
def test_the_first_of_planted_differences_is_found_at_any_place_among_100_000_events(
    original: Path, tmp_path: Path, places: list[int], kind: str
) -> None:
    # A kind of another length moves all that follows; one of the same length moves nothing.
    other = write(tmp_path / "other.jsonl", MANY, changed=dict.fromkeys(places, kind))
    divergence = found(original, other)
    first = min(places)
    assert divergence.a is not None
    assert divergence.b is not None
    assert (divergence.a.seq, divergence.a.kind) == (first, "SEND")
    assert divergence.b == attrs.evolve(divergence.a, kind=kind)
    assert [e.seq for e in divergence.before] == list(range(max(1, first - 3), first))
    following = list(range(first + 1, min(MANY, first + 3) + 1))
    assert [e.seq for e in divergence.after_a] == [e.seq for e in divergence.after_b] == following
    assert divergence.compared <= 8, "of 100 checkpoints"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_event_too_few_is_found_whichever_of_the_two_lacks_it(
    tmp_path: Path, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, 4_500))
    gone = data.draw(st.integers(1, count))
    a = write(tmp_path / "a.jsonl", count)
    b = write(tmp_path / "b.jsonl", count, left_out=gone)
    one, other = found(a, b), found(b, a)
    assert (one.a, one.b, one.before) == (other.b, other.a, other.before)
    assert one.a is not None
    assert (one.a.seq, one.a.at_ns) == (gone, gone * 1_000_000)
    assert one.b == (one.after_a[0] if one.after_a else None) or (
        one.b is not None and attrs.evolve(one.b, seq=gone + 1) == one.after_a[0]
    )


@pytest.mark.parametrize("first", [1, 2, 999, 1_000, 1_001, 1_002, 2_000, 2_001, 2_999, 3_000])
def test_differences_beside_a_checkpoint_are_found(tmp_path: Path, first: int) -> None:
    a = write(tmp_path / "a.jsonl", 3_000)
    divergence = found(a, write(tmp_path / "b.jsonl", 3_000, changed={first: "RECEIVED"}))
    assert divergence.a is not None
    assert divergence.a.seq == first
    assert [e.seq for e in divergence.before] == list(range(max(1, first - 3), first))


@pytest.mark.parametrize("shorter", [0, 1, 999, 1_000, 1_001, 2_000, 2_499])
def test_a_trace_that_ends_earlier_differs_at_its_end(tmp_path: Path, shorter: int) -> None:
    short, long = write(tmp_path / "a.jsonl", shorter), write(tmp_path / "b.jsonl", 2_500)
    for divergence, ends in (
        (found(short, long), "a"),
        (found(long, short), "b"),
    ):
        kept = divergence.b if ends == "a" else divergence.a
        assert getattr(divergence, ends) is None
        assert kept is not None
        assert kept.seq == shorter + 1


def test_headers_are_told_first_and_events_are_compared_all_the_same(tmp_path: Path) -> None:
    other = attrs.evolve(HEADER, seed=8, versions={"python": "3.11.2", "trio": "0.32.0"})
    a = write(tmp_path / "a.jsonl", 1_500)
    b = write(tmp_path / "b.jsonl", 1_500, changed={1_200: "RECV"}, header=other)
    divergence = found(a, b)
    assert list(divergence.headers) == ["seed", "versions.trio"]
    assert str(divergence).splitlines() == [
        "header seed: 7 | 8",
        "header versions.trio: '0.31.0' | '0.32.0'",
        "  1.197000000 s #1197 SEND lb conn 33 req 119",
        "  1.198000000 s #1198 SEND lb conn 34 req 119",
        "  1.199000000 s #1199 SEND lb conn 35 req 119",
        "a 1.200000000 s #1200 SEND lb conn 36 req 120",
        "a   1.201000000 s #1201 SEND lb conn 37 req 120",
        "a   1.202000000 s #1202 SEND lb conn 38 req 120",
        "a   1.203000000 s #1203 SEND lb conn 39 req 120",
        "b 1.200000000 s #1200 RECV lb conn 36 req 120",
        "b   1.201000000 s #1201 SEND lb conn 37 req 120",
        "b   1.202000000 s #1202 SEND lb conn 38 req 120",
        "b   1.203000000 s #1203 SEND lb conn 39 req 120",
    ]


def test_headers_alone_may_differ(tmp_path: Path) -> None:
    a = write(tmp_path / "a.jsonl", 1_500)
    b = write(tmp_path / "b.jsonl", 1_500, header=attrs.evolve(HEADER, config_hash="another"))
    divergence = found(a, b)
    assert (divergence.a, divergence.b) == (None, None)
    assert str(divergence) == "header config_hash: '' | 'another'\nall events are the same"


def test_an_end_is_told_as_such(tmp_path: Path) -> None:
    divergence = found(write(tmp_path / "a.jsonl", 1), write(tmp_path / "b.jsonl", 2))
    assert "a (the trace ends)\nb 0.002000000 s #2 SEND" in str(divergence)


@pytest.mark.parametrize("kept", [0, 700, 1_000, 1_300])
def test_a_trace_cut_off_before_any_difference_is_refused(tmp_path: Path, kept: int) -> None:
    a, b = write(tmp_path / "a.jsonl", 1_500), tmp_path / "b.jsonl"
    lines = a.read_text("ascii").splitlines(keepends=True)
    b.write_text("".join(lines[: line_of(kept) if kept else 1]), "ascii")
    cut = line_of(kept) + 1 if kept else 2
    for pair in ((a, b), (b, a), (b, b)):
        with pytest.raises(
            ConfigError, match=rf"b\.jsonl:{cut} the trace is cut off .* event {kept}"
        ):
            first_divergence(*pair)


def test_a_difference_before_the_cut_is_told(tmp_path: Path) -> None:
    a = write(tmp_path / "a.jsonl", 1_500)
    b = write(tmp_path / "b.jsonl", 1_500, changed={1_100: "RECV"})
    lines = b.read_text("ascii").splitlines(keepends=True)
    b.write_text("".join(lines[:1_104]) + "[12", "ascii")
    divergence = found(a, b)
    assert divergence.b is not None
    assert (divergence.b.seq, len(divergence.after_b)) == (1_100, 2)


@pytest.mark.parametrize("mark", ['{"checkpoint": 1000', '{"end": 1500'])
def test_a_hash_that_was_changed_is_no_difference_of_events(tmp_path: Path, mark: str) -> None:
    a, b = write(tmp_path / "a.jsonl", 1_500), tmp_path / "b.jsonl"
    text = a.read_text("ascii")
    b.write_text(text.replace(f'{mark}, "hash": "', f'{mark}, "hash": "0'), "ascii")
    with pytest.raises(ConfigError, match=r"events are the same as in .*, but not their hash"):
        first_divergence(a, b)


def test_what_is_no_trace_is_refused(original: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(ConfigError, match="is no trace"):
        first_divergence(original, empty)
