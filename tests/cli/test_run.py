"""``trio-lb run`` and ``backend`` as real processes on loopback: lines, signals and numbers."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from trio_lb.cli.exits import Exit

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30


class Programs:
    """Starts programs, and ends those that a test leaves."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *argv: str) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, "-m", "trio_lb", *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._started.append(program)
        return program

    def backend(self, name: str) -> str:
        """Start a test server and return its address."""
        program = self.start("backend", "-p", "0", "-c", name)
        return address_in(program.stderr)

    def close(self) -> None:
        for program in self._started:
            program.kill()
            program.wait(PATIENCE_SECONDS)
            for pipe in (program.stdout, program.stderr):
                assert pipe is not None
                pipe.close()


@pytest.fixture
def programs() -> Iterator[Programs]:
    started = Programs()
    yield started
    started.close()


def address_in(stderr: IO[str] | None) -> str:
    """Read lines up to the one that names a bound address."""
    assert stderr is not None
    seen = []
    while line := stderr.readline():
        seen.append(line)
        found = re.search(r"listening on http://([\d.]+:\d+)", line)
        if found:
            return found[1]
    raise AssertionError(f"it ended without an address: {seen}")


def get(connection: http.client.HTTPConnection, path: str = "/") -> tuple[int, str]:
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def connect(address: str) -> http.client.HTTPConnection:
    host, _, port = address.partition(":")
    return http.client.HTTPConnection(host, int(port), timeout=PATIENCE_SECONDS)


def end(program: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end; return code, standard output and standard error."""
    out, err = program.communicate(timeout=PATIENCE_SECONDS)
    return program.returncode, out, err


def test_balances_over_two_servers_and_ends_with_0_at_sigterm(programs: Programs) -> None:
    first, second = programs.backend("Server A"), programs.backend("Server B")
    program = programs.start(
        "run", "-p", "0", "-b", first, second, "--no-health-check", "--stats-period", "0.05"
    )
    connection = connect(address_in(program.stderr))
    answers = [get(connection) for _ in range(10)]
    connection.close()
    assert sorted(answers) == [(200, "Server A\n")] * 5 + [(200, "Server B\n")] * 5
    assert program.stdout is not None
    assert program.stdout.readline() == "=== Load Balancer Stats ===\n"
    program.send_signal(signal.SIGTERM)
    code, _, err = end(program)
    assert code == Exit.OK
    assert err.splitlines()[-1].endswith(" info stopped; every request has ended")


def test_a_taken_port_is_71_with_what_where_and_what_to_do(programs: Programs) -> None:
    taken = programs.backend("Server A")
    for command in (["run", "-b", taken], ["backend"], ["demo"]):
        port = taken.partition(":")[2]
        code, out, err = end(programs.start(*command, "-p", port))
        assert (code, out) == (Exit.CANNOT_BIND, "")
        assert f"cannot listen on {taken}: address already in use; another program " in err
        assert "Traceback" not in err


def test_a_bad_value_in_the_configuration_is_78(programs: Programs) -> None:
    code, _, err = end(programs.start("run", "--set", "timeouts.totl=3s"))
    assert code == Exit.BAD_CONFIG
    assert "did you mean 'total'?" in err


def test_a_stopped_reader_of_the_access_log_holds_no_request_up(programs: Programs) -> None:
    program = programs.start(
        "run", "-p", "0", "-b", programs.backend("A"), "--no-health-check", "--access-log", "-"
    )
    connection = connect(address_in(program.stderr))
    # Nobody reads on; a pipe holds 64 KiB, and these lines are twice that.
    path = "/" + "x" * 1000
    assert {get(connection, path)[0] for _ in range(130)} == {200}
    connection.close()
    program.send_signal(signal.SIGTERM)
    assert end(program)[0] == Exit.OK


def test_a_closed_standard_error_holds_no_request_up(programs: Programs) -> None:
    server = programs.backend("A")
    program = programs.start(
        "run", "-p", "0", "-b", server, "--no-health-check", "--access-log", "-"
    )
    connection = connect(address_in(program.stderr))
    assert program.stderr is not None
    program.stderr.close()
    assert [get(connection)[0] for _ in range(3)] == [200] * 3
    connection.close()
    program.send_signal(signal.SIGTERM)
    assert program.wait(PATIENCE_SECONDS) == Exit.OK


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_below_the_access_log_is_told_once(programs: Programs) -> None:
    server = programs.backend("A")
    program = programs.start(
        "run", "-p", "0", "-b", server, "--no-health-check", "--access-log", "/dev/full"
    )
    connection = connect(address_in(program.stderr))
    assert [get(connection)[0] for _ in range(3)] == [200] * 3
    connection.close()
    program.send_signal(signal.SIGTERM)
    code, _, err = end(program)
    assert code == Exit.OK
    assert err.count("access log /dev/full: cannot be written (No space left on device)") == 1
