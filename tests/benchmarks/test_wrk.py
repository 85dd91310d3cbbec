"""What wrk is asked for, and how its report is read."""

import shutil

import pytest

from benchmarks import wrk
from benchmarks.origin import BULK_BYTES, SINK_PATH
from benchmarks.program import ProgramFailed
from benchmarks.rows.base import Bench
from benchmarks.wrk import Load

OUTPUT = """\
Running 2s test @ http://127.0.0.1:8000/small
  1 threads and 32 connections
Requests/sec:  79012.10

{"requests": 158024, "duration_us": 2000100, "bytes": 9, "p50_us": 341, "p99_us": 905, \
"connect": 0, "read": 2, "write": 0, "timeout": 37, "status": 1}
"""


def test_the_last_line_is_the_report_and_errors_are_named_by_kind() -> None:
    report = wrk.parse_report(OUTPUT)
    assert (report.requests, report.seconds) == (158024, 2.0001)
    assert (report.p50_us, report.p99_us) == (341, 905)
    assert report.errors == {"read": 2, "timeout": 37, "status": 1}


@pytest.mark.parametrize(
    ("output", "says"),
    [("", "no output"), ("unable to connect to 127.0.0.1:1 Connection refused\n", "refused")],
)
def test_a_wrk_that_never_loaded_says_why(output: str, says: str) -> None:
    with pytest.raises(ProgramFailed, match=says):
        wrk.parse_report(output)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_the_command_names_connections_duration_address_and_upload() -> None:
    command = wrk.command_line(Load(4, "/sink", upload_bytes=1024), 8000, 2)
    assert command[1:5] == ["--threads", "1", "--connections", "4"]
    assert command[5:7] == ["--duration", "2s"]
    assert command[-3:] == ["http://127.0.0.1:8000/sink", "--", "1024"]


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_the_command_names_headers_chunks_and_tls() -> None:
    load = Load(4, "/sink", upload_bytes=1024, headers=("A: 1", "B: 2"), chunked=True)
    command = wrk.command_line(load, 8000, 2, tls=True)
    assert command[-8:-4] == ["--header", "A: 1", "--header", "B: 2"]
    assert command[-4:] == ["https://127.0.0.1:8000/sink", "--", "1024", "chunked"]


@pytest.mark.real
def test_an_upload_in_chunks_arrives_as_often_as_it_is_counted(bench: Bench) -> None:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    load = Load(1, SINK_PATH, upload_bytes=BULK_BYTES, chunked=True)
    port, core = bench.origin.port, bench.cores.load
    report = wrk.run(load, port, seconds=1, core=core, folder=bench.folder)
    assert report.requests > 0
    assert report.errors == {}


def test_every_kind_of_error_that_is_read_is_written_by_the_script() -> None:
    script = wrk.SCRIPT.read_text("utf-8")
    assert [kind for kind in wrk.ERROR_KINDS if f'"{kind}": %d' not in script] == []
