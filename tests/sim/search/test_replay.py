"""A trace told to a reader: the run, one request, and where two runs part."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.sim.happening import What
from trio_lb.sim.numbers import FIRST_INNER
from trio_lb.sim.search.replay import explain, tell_difference, tell_run
from trio_lb.sim.trace import Trace, TraceHeader

HEADER = TraceHeader(seed=7, versions={"trio": "0.31.0", "h11": "0.16.0"})
MS = 1_000_000


def play(trace: Trace, *, second: str = "s2") -> None:
    """One request: s1 answers nothing, the second try is answered. Another comes and stays."""
    tell = trace.record
    tell(0.0, What.PHASE, "sim", 0, 0, "safety")
    tell(1.0, What.ARRIVE, "web", 0, 17, "GET")
    tell(1.0, What.TRY, "web", 3, 17, 1, "GET")
    tell(1.001, What.START, "lb", 4, 17, "a7")
    tell(1.001, What.SELECT, "lb", 0, 17, "s1", "api", 2)
    tell(1.002, What.TAKE, "s1", 6, 17, "GET", 8, 1)
    tell(1.5, What.ARRIVE, "web", 0, 18, "POST")
    tell(2.001, What.RETRY, "lb", 0, 17, "s1", "api", 1, "timeout", 0)
    tell(2.001, What.SELECT, "lb", 0, 17, second, "api", 0)
    tell(2.002, What.TAKE, second, 9, 17, "GET", 1, 0)
    tell(2.002, What.BEGIN, second, 9, 17, 0)
    tell(2.012, What.REPLY, second, 9, 17, 200, 5, 10 * MS)
    tell(2.013, What.COMPLETE, "lb", 0, 17, second, "api", 200, 2, 1012 * MS)
    tell(2.014, What.ANSWER, "web", 3, 17, 200, 5, 1014 * MS, second)
    tell(2.014, What.DONE, "web", 3, 17, 1, 1, 1014 * MS, "")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(name: str = "run.jsonl", header: TraceHeader = HEADER, second: str = "s2") -> Path:
        path = tmp_path / name
        with path.open("w", encoding="ascii", newline="\n") as file, Trace(header, file) as trace:
            play(trace, second=second)
        return path

    return written


def test_a_run_is_told_up_to_an_instant_and_that_instant_too(
    write: Callable[..., Path],
) -> None:
    assert list(tell_run(write(), until=1.001)) == [
        "seed 7, schedule fifo, trio 0.31.0, h11 0.16.0",
        "0.000000 s  sim: phase safety: clients come, and faults with them",
        "1.000000 s  web: somebody wants something (GET) [request 17]",
        "1.000000 s  web: try 1 (GET) leaves on connection 3 [request 17]",
        "1.001000 s  lb: has read the head; calls it a7 [request 17]",
        "1.001000 s  lb: picks s1 of pool api, which has 2 requests in flight [request 17]",
    ]


def test_a_run_is_told_to_its_end(write: Callable[..., Path]) -> None:
    assert len(list(tell_run(write()))) == 1 + 15


def test_a_request_s_life_is_told_from_its_arrival_on_by_who_told_it(
    write: Callable[..., Path],
) -> None:
    assert "\n".join(explain(write(), 17)) == (
        "request 17, from 1.000000 s on: web has what it wanted after 1 try and 1.014 s\n"
        "      +0 s  web: somebody wants something (GET)\n"
        "      +0 s  web: try 1 (GET) leaves on connection 3\n"
        "     +1 ms      lb: has read the head; calls it a7\n"
        "     +1 ms      lb: picks s1 of pool api, which has 2 requests in flight\n"
        "     +2 ms          s1: takes it (GET): 8 in service, 1 queued\n"
        "  +1.001 s      lb: attempt 1 at s1 of pool api failed (timeout); another follows in 0 s\n"
        "  +1.001 s      lb: picks s2 of pool api, which has 0 requests in flight\n"
        "  +1.002 s          s2: takes it (GET): 1 in service, 0 queued\n"
        "  +1.002 s          s2: begins to serve it at once\n"
        "  +1.012 s          s2: answers 200 with 5 bytes, 10 ms after taking it\n"
        "  +1.013 s      lb: has relayed the 200 of s2 of pool api: 2 attempts, 1.012 s\n"
        "  +1.014 s  web: an answer by s2: 200, 5 bytes, 1.014 s after the try began\n"
        "  +1.014 s  web: has what it wanted after 1 try and 1.014 s"
    )


def test_what_stood_when_it_came_and_what_changed_meanwhile_explains_its_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.jsonl"
    with path.open("w", encoding="ascii") as file, Trace(HEADER, file) as trace:
        tell = trace.record
        tell(1.0, What.INJECT, "server:s1", 0, 0, "crash", 0, "{}")
        tell(2.0, What.EJECT, "lb", 0, 0, "s2", "api", "5xx", 30_000 * MS)
        tell(2.5, What.OPEN, "lb", 0, 0, "s3", "api", "errors", 1_000 * MS)
        tell(2.9, What.CLOSE, "lb", 0, 0, "s3", "api", "probes")
        tell(3.0, What.ARRIVE, "web", 0, 5, "GET")
        tell(3.1, What.HEALTH, "lb", 0, 0, "s3", "api", 0, "refused")
        tell(3.2, What.START, "lb", 0, 5, "a7")
        tell(3.2, What.NO_SERVER, "lb", 0, 0, "api")
        tell(3.2, What.ERROR, "lb", 0, 5, "", "", 503, 0, 0, "no_server")
        tell(9.0, What.HEALED, "server:s1", 0, 0, "crash", 0)
    assert list(explain(path, 5)) == [
        "request 5, from 3.000000 s on: not over when the trace ends, 3 events",
        "  since 1.000000 s  server:s1: fault 0 begins: crash",
        "  since 2.000000 s  lb: ejects s2 of pool api for 30 s at least: 5xx",
        "      +0 s  web: somebody wants something (GET)",
        "   +100 ms  | lb: finds s3 of pool api unhealthy: the connection was refused",
        "   +200 ms      lb: has read the head; calls it a7",
        "   +200 ms  | lb: finds nobody to try in pool api",
        "   +200 ms      lb: answers 503 itself (no_server): 0 attempts, 0 s",
    ]


def test_a_request_that_is_not_over_is_said_to_be_so(write: Callable[..., Path]) -> None:
    first = next(explain(write(), 18))
    assert first == "request 18, from 1.500000 s on: not over when the trace ends, 1 event"


def test_a_request_that_is_not_there_is_refused_with_those_that_are(
    write: Callable[..., Path],
) -> None:
    with pytest.raises(ConfigError, match="no request 99 in this trace; its requests are 17 to 18"):
        list(explain(write(), 99))


def test_a_trace_without_requests_says_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    with path.open("w", encoding="ascii") as file, Trace(HEADER, file):
        pass
    with pytest.raises(ConfigError, match="it has no requests"):
        list(explain(path, 1))


def test_traces_that_are_the_same_are_said_to_be(write: Callable[..., Path]) -> None:
    assert list(tell_difference(write("a"), write("b"))) == ["the traces are the same"]


def test_the_first_difference_is_told_after_the_last_ten_events_in_common(
    write: Callable[..., Path],
) -> None:
    lines = list(tell_difference(write("a"), write("b", second="s3")))
    assert lines[0] == "the first 8 events are the same; the last of them:"
    assert lines[8] == (
        "  2.001000 s  lb: attempt 1 at s1 of pool api failed (timeout);"
        " another follows in 0 s [request 17]"
    )
    assert lines[9:11] == [
        "then in the first:",
        "  2.001000 s  lb: picks s2 of pool api, which has 0 requests in flight [request 17]",
    ]
    assert lines[14:16] == [
        "then in the second:",
        "  2.001000 s  lb: picks s3 of pool api, which has 0 requests in flight [request 17]",
    ]


def test_of_many_events_in_common_ten_are_told(tmp_path: Path) -> None:
    paths = []
    for name, last in (("a", 1), ("b", 2)):
        path = tmp_path / name
        with path.open("w", encoding="ascii") as file, Trace(HEADER, file) as trace:
            for number in range(50):
                trace.record(number, What.NOTE, "sim", 0, 0, number)
            for number in range(last):
                trace.record(99, What.NOTE, "sim", 0, 0, f"last {number}")
        paths.append(path)
    lines = list(tell_difference(*paths))
    assert lines[0] == "the first 51 events are the same; the last of them:"
    assert lines[1] == "  41.000000 s  sim: notes 41"
    assert lines[11:] == [
        "then the first ends",
        "then in the second:",
        "  99.000000 s  sim: notes last 1",
    ]


def test_headers_that_differ_are_told_first(write: Callable[..., Path]) -> None:
    other = TraceHeader(seed=7, versions={"trio": "0.32.0", "h11": "0.16.0"})
    assert list(tell_difference(write("a"), write("b", header=other))) == [
        "the headers differ in versions.trio: '0.31.0' in the first, '0.32.0' in the second",
        "all events are the same",
    ]


def test_what_services_ask_on_behalf_of_a_request_is_part_of_its_life(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    inner, deeper = FIRST_INNER, FIRST_INNER + 1
    with path.open("w", encoding="ascii", newline="\n") as file, Trace(HEADER, file) as trace:
        tell = trace.record
        tell(1.0, What.ARRIVE, "web", 0, 5, "GET")
        tell(1.0, What.START, "lb", 0, 5, "a7")
        tell(1.0, What.SELECT, "lb", 0, 5, "orders", "api", 0)
        tell(1.1, What.NOTE, "orders", 0, 5, "asks")
        tell(1.1, What.START, "lb", 0, inner, "b3", 5)
        tell(1.1, What.START, "lb", 0, 6, "c4")
        tell(1.1, What.SELECT, "lb", 0, inner, "stock", "api", 1)
        tell(1.2, What.START, "lb", 0, deeper, "d5", inner)
        tell(1.3, What.ERROR, "lb", 0, deeper, "", "", 503, 0, 0, "no_server")
        tell(1.4, What.COMPLETE, "lb", 0, inner, "stock", "api", 200, 1, 300 * MS)
        tell(1.5, What.COMPLETE, "lb", 0, 5, "orders", "api", 200, 1, 500 * MS)
    assert list(explain(path, 5)) == [
        "request 5, from 1.000000 s on: not over when the trace ends, 5 events",
        "      +0 s  web: somebody wants something (GET)",
        "      +0 s      lb: has read the head; calls it a7",
        "      +0 s      lb: picks orders of pool api, which has 0 requests in flight",
        "   +100 ms          orders: notes asks",
        "   +100 ms              lb: has read the head; calls it b3, which is asked on behalf of"
        f" request 5 [request {inner}]",
        "   +100 ms              lb: picks stock of pool api, which has 1 request in flight"
        f" [request {inner}]",
        "   +200 ms                      lb: has read the head; calls it d5, which is asked on"
        f" behalf of request {inner} [request {deeper}]",
        "   +300 ms                      lb: answers 503 itself (no_server): 0 attempts, 0 s"
        f" [request {deeper}]",
        "   +400 ms              lb: has relayed the 200 of stock of pool api: 1 attempt, 300 ms"
        f" [request {inner}]",
        "   +500 ms      lb: has relayed the 200 of orders of pool api: 1 attempt, 500 ms",
    ]
    first, *rest = explain(path, inner)
    assert first == (
        f"request {inner}, from 1.100000 s on:"
        " lb has relayed the 200 of stock of pool api: 1 attempt, 300 ms"
    )
    assert len(rest) == 5
    with pytest.raises(
        ConfigError, match="there is no request 9 in this trace; its requests are 5 to 6"
    ):
        list(explain(path, 9))
