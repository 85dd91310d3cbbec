"""``trio-lb replay``: made again, told, explained, compared; refused when it is no whole trace."""

import json
from pathlib import Path

import attrs
import pytest

from tests.cli import stories
from trio_lb.cli.main import main
from trio_lb.cli.replay import replay_text
from trio_lb.sim.search.replay import explain, tell_difference, tell_run
from trio_lb.sim.search.trial import Trial
from trio_lb.sim.sweep.again import Again
from trio_lb.sim.trace import current_versions
from trio_lb.sim.trace_reader import read_header
from trio_lb.sim.trial_run import run_whole

AS_WRITTEN = (
    "x.html is from what is written; checks, and open connections, are not in a trace:"
    " nothing was run"
)
ODD = Trial(f"{stories.__name__}:odd", seed=1, until=4, settle=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    run_whole(ODD, trace="run.jsonl")
    return tmp_path


def replay(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[str], str]:
    code = main(["replay", *argv])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err


def test_a_run_is_made_again_and_is_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_whole(ODD)
    code, lines, err = replay(capsys, "run.jsonl", "--html", "out.html")
    assert (code, err) == (0, "")
    assert lines == [
        *result.summary().splitlines(),
        "",
        f"trace {result.trace_hash}, {result.happenings} happenings",
        f"1 of {len(result.verdicts)} checks broken:",
        "  2.000000 s no_crash: server:s1: a server crashed",
        f"replayed: same trace, {result.happenings} happenings, hash {result.trace_hash}",
    ]
    assert (folder / "out.html").read_text().startswith("<!DOCTYPE html>")


def test_a_trace_of_other_versions_is_run_again_with_a_word_on_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, rest = Path("run.jsonl").read_text().split("\n", 1)
    header = json.loads(head)
    header["versions"] |= {"trio_lb": "9.9.9", "h11": "0.1"}
    Path("old.jsonl").write_text(f"{json.dumps(header)}\n{rest}")
    code, lines, err = replay(capsys, "old.jsonl")
    now = current_versions()
    assert err == (
        f"WARNING: old.jsonl was made with trio_lb 9.9.9 (here {now['trio_lb']}),"
        f" h11 0.1 (here {now['h11']}); so this may be another run\n"
    )
    assert (code, lines[-1].partition(",")[0]) == (0, "replayed: same trace")


def test_up_to_an_instant_all_is_told_and_held_against_the_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = replay(capsys, "run.jsonl", "--until", "2")
    told = list(tell_run("run.jsonl", until=2.0))
    assert (code, lines[:-1]) == (0, told)
    assert lines[-1] == f"replayed up to 2 s: same trace, {len(told) - 1} happenings"


def test_a_request_is_explained_without_a_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines, _ = replay(capsys, "run.jsonl", "--explain", "3")
    assert (code, lines) == (0, list(explain("run.jsonl", 3)))
    assert lines[0].startswith("request 3, from ")


def test_as_written_nothing_is_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = replay(capsys, "run.jsonl", "--as-written")
    assert (code, lines) == (0, list(tell_run("run.jsonl")))


def test_two_traces_are_the_same_or_part(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_whole(attrs.evolve(ODD, seed=3), trace="other.jsonl")
    assert replay(capsys, "run.jsonl", "run.jsonl") == (0, ["the traces are the same"], "")
    code, lines, _ = replay(capsys, "run.jsonl", "other.jsonl")
    assert (code, lines) == (1, list(tell_difference("run.jsonl", "other.jsonl")))


def test_headers_alone_make_no_other_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("other.jsonl", [edited(config_hash="beef"), *lines_of("run.jsonl")[1:]])
    code, lines, _ = replay(capsys, "run.jsonl", "other.jsonl")
    assert code == 0
    was = read_header("run.jsonl").config_hash
    assert lines == [
        f"the headers differ in config_hash: '{was}' in the first, 'beef' in the second",
        "all events are the same",
    ]


def test_another_run_is_told_with_where_it_parts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = attrs.evolve(ODD, seed=3).text
    write("run.jsonl", [edited(trial=trial), *lines_of("run.jsonl")[1:]])
    code, lines, _ = replay(capsys, "run.jsonl")
    assert code == 1
    place = lines.index(
        "replayed: another run; the first is run.jsonl, the second the one made now"
    )
    assert lines[place + 1] == "the headers differ in seed: 1 in the first, 3 in the second"


def test_who_has_changed_the_configuration_since_is_told_both_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    servers = "servers: [10.0.0.1:80, 10.0.0.2:80]\n"
    Path("lb.yaml").write_text(servers)
    trial = Trial(f"{stories.__name__}:crash", config="lb.yaml", until=3, settle=1)
    run_whole(trial, trace="run.jsonl")
    then = read_header("run.jsonl").config_hash
    Path("lb.yaml").write_text(f"# a remark\n{servers}")
    assert "WARNING" not in "\n".join(replay(capsys, "run.jsonl")[1])
    Path("lb.yaml").write_text(f"{servers}retry: {{max_retries: 0}}\n")
    run_whole(trial, trace="new.jsonl")
    now = read_header("new.jsonl").config_hash
    code, lines, _ = replay(capsys, "run.jsonl")
    warning = next(line for line in lines if line.startswith("WARNING"))
    assert (code, now == then) == (1, False)
    assert warning == (
        f"WARNING: lb.yaml is another one now: its hash is {now}, and run.jsonl says {then};"
        " so this may be another run"
    )
    assert lines[lines.index(warning) + 1].startswith("replayed: another run; the first is ")


def test_a_trace_that_knows_no_configuration_warns_of_none() -> None:
    again = Again(ODD, True, 3, configs=("", "beef"))
    assert list(replay_text(again, "run.jsonl", None)) == ["replayed: same trace, 3 happenings"]


def test_a_trace_without_a_trial_is_only_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("run.jsonl", [edited(trial=""), *lines_of("run.jsonl")[1:]])
    code, lines, _ = replay(capsys, "run.jsonl")
    assert (code, lines[:-1]) == (0, list(tell_run("run.jsonl")))
    assert lines[-1] == (
        "only told, as it is written: its header does not say how to make it again"
        " (what a program or a test built; see docs/simulation/replay.md)"
    )
    assert replay(capsys, "run.jsonl", "--html", "x.html") == (0, [AS_WRITTEN], "")
    assert "nothing was checked" not in Path("x.html").read_text()


def test_a_page_of_what_is_written_needs_no_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = attrs.evolve(ODD, scenario="gone:away").text
    write("run.jsonl", [edited(trial=trial), *lines_of("run.jsonl")[1:]])
    code, lines, _ = replay(capsys, "run.jsonl", "--as-written", "--html", "x.html")
    assert (code, lines) == (0, [AS_WRITTEN])
    html = Path("x.html").read_text()
    assert "gone:away" in html
    assert "Read from a trace" in html


def test_a_trace_that_is_none_is_refused_by_file_and_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = lines_of("run.jsonl")
    write("cut.jsonl", lines[:30])
    write("future.jsonl", [edited(schema=2), *lines[1:]])
    write("changed.jsonl", [*lines[:-1], lines[-1].replace('"hash": "', '"hash": "0')])
    write("none.jsonl", ["hello\n"])
    cut = "cut.jsonl:31 the trace is cut off here, after event 29: its last line is missing\n"
    future = "future.jsonl:1 schema: 2 is a trace of another format; allowed: 1\n"
    none = "none.jsonl:1 is no trace: the first line has to be a header with 'schema'\n"
    assert replay(capsys, "none.jsonl") == (78, [], none)
    assert replay(capsys, "future.jsonl") == (78, [], future)
    assert replay(capsys, "cut.jsonl") == (78, [], cut)
    assert replay(capsys, "cut.jsonl", "--explain", "1")[::2] == (78, cut)
    code, _, err = replay(capsys, "changed.jsonl")
    assert code == 78
    assert err.startswith(f"changed.jsonl:{len(lines)} hash: ")
    assert replay(capsys, "nowhere.jsonl")[::2] == (
        78,
        "nowhere.jsonl can't be read: No such file or directory\n",
    )


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["a", "b", "--until", "3"], "two traces are compared as they are; --until does not go with them"),
        (["a", "b", "--explain", "3"], "two traces are compared as they are; --explain does not go with them"),
        (["a", "--html", "x", "--explain", "3"],
         "argument --html: a report is of the whole run; --explain does not go with it"),
        (["a", "--html", "x", "--until", "3"],
         "argument --html: a report is of the whole run; --until does not go with it"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(capsys, *argv) == (2, [], f"trio-lb replay: {told}\n")


def lines_of(path: str) -> list[str]:
    return Path(path).read_text().splitlines(keepends=True)


def write(path: str, lines: list[str]) -> None:
    Path(path).write_text("".join(lines))


def edited(**changes: object) -> str:
    return json.dumps({**json.loads(lines_of("run.jsonl")[0]), **changes}) + "\n"
