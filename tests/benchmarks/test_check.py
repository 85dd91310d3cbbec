"""What a proxy has to do before it is worth measuring."""

import http.client
import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import check
from benchmarks.machine import free_port
from benchmarks.origin import (
    BULK_BYTES,
    BULK_PATH,
    CHUNKED_PATH,
    SINK_PATH,
    SMALL_BODY,
    SMALL_PATH,
    Origin,
)
from benchmarks.program import ProgramFailed, find, open_program

NEEDS_TASKSET = pytest.mark.skipif(find("taskset") is None, reason="no taskset here")
pytestmark = [pytest.mark.real, NEEDS_TASKSET]
CORE = min(os.sched_getaffinity(0))


def test_the_origin_gives_the_small_answer_and_the_bulk_file(origin: Origin) -> None:
    assert check.ask(origin.port, "GET", SMALL_PATH) == (200, SMALL_BODY)
    assert check.ask(origin.port, "GET", BULK_PATH) == (200, bytes(BULK_BYTES))


def test_the_origin_gives_the_same_file_in_chunks(origin: Origin) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", origin.port, timeout=5)) as connection:
        connection.request("GET", CHUNKED_PATH)
        answer = connection.getresponse()
        assert answer.getheader("Transfer-Encoding") == "chunked"
        assert answer.getheader("Content-Length") is None
        assert answer.read() == bytes(BULK_BYTES)


def test_the_sink_says_how_much_of_the_upload_it_read(origin: Origin) -> None:
    _, empty = check.ask(origin.port, "POST", SINK_PATH, b"")
    _, full = check.ask(origin.port, "POST", SINK_PATH, bytes(BULK_BYTES))
    # The heads differ in the digits of Content-Length alone: 0 against 1048576.
    assert int(full) - int(empty) == BULK_BYTES + 6


def test_a_server_without_the_bulk_file_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(SMALL_BODY)
    port = free_port()
    server = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server += ["--directory", str(tmp_path)]
    with open_program("other", server, core=CORE, folder=tmp_path) as other:
        check.wait_until_ready(other, port)
        with pytest.raises(ProgramFailed, match=r"other sent .* status 404"):
            check.check_bulk("other", port)


def test_a_program_that_ends_is_not_waited_for(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('port in use')"]
    with open_program("failing", failing, core=CORE, folder=tmp_path) as program:
        with pytest.raises(ProgramFailed, match="exit code 1: port in use"):
            check.wait_until_ready(program, free_port())


def test_a_port_that_nobody_has_is_a_failure_with_its_reason() -> None:
    with pytest.raises(ProgramFailed, match=r"GET /small: ConnectionRefusedError"):
        check.ask(free_port(), "GET", SMALL_PATH)
