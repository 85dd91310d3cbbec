"""Each kind of happening has its sentence."""

import pytest

from trio_lb.sim.happening import What
from trio_lb.sim.sentences import sentence
from trio_lb.sim.trace import TraceEvent

MS = 1_000_000

SAID: list[tuple[What, tuple[int | str, ...], str]] = [
    (What.ARRIVE, ("GET",), "somebody wants something (GET)"),
    (What.TRY, (2, "GET"), "try 2 (GET) leaves on connection 5"),
    (
        What.ANSWER,
        (200, 12, 30 * MS, "s1"),
        "an answer by s1: 200, 12 bytes, 30 ms after the try began",
    ),
    (What.ANSWER, (503, 1, 0, ""), "an answer: 503, 1 byte, 0 s after the try began"),
    (
        What.FAIL,
        ("cut", 1500 * MS, 1),
        "the try failed after 1.5 s: the connection ended in mid answer, an answer had begun",
    ),
    (What.DONE, (1, 1, 30 * MS, ""), "has what it wanted after 1 try and 30 ms"),
    (
        What.DONE,
        (0, 3, 3000 * MS, "timeout"),
        "gives up: no whole answer came in time; after 3 tries and 3 s",
    ),
    (What.DONE, (0, 1, 9 * MS, "503"), "gives up: 503; after 1 try and 9 ms"),
    (What.ACCEPT, (), "accepts connection 5"),
    (What.TAKE, ("GET", 3, 7), "takes it (GET): 3 in service, 7 queued"),
    (What.BEGIN, (0,), "begins to serve it at once"),
    (What.BEGIN, (2_500,), "begins to serve it, after 2.5 µs in the queue"),
    (What.SWITCH, (), "accepts a WebSocket"),
    (What.REPLY, (200, 12, 30 * MS), "answers 200 with 12 bytes, 30 ms after taking it"),
    (What.DROP, ("gone",), "gives no whole answer: the client had left"),
    (What.PROBE, (200,), "answers a probe with 200"),
    (What.START, ("a7",), "has read the head; calls it a7"),
    (
        What.START,
        ("b3", 17),
        "has read the head; calls it b3, which is asked on behalf of request 17",
    ),
    (What.SELECT, ("s1", "api", 1), "picks s1 of pool api, which has 1 request in flight"),
    (What.SELECT, ("s1", "api", 0), "picks s1 of pool api, which has 0 requests in flight"),
    (
        What.RETRY,
        ("s1", "api", 1, "timeout", 50 * MS),
        "attempt 1 at s1 of pool api failed (timeout); another follows in 50 ms",
    ),
    (
        What.COMPLETE,
        ("s2", "api", 200, 2, 90 * MS),
        "has relayed the 200 of s2 of pool api: 2 attempts, 90 ms",
    ),
    (
        What.ERROR,
        ("s2", "api", 504, 2, 90 * MS, "upstream_timeout"),
        "answers 504 itself (upstream_timeout): 2 attempts, last at s2 of pool api, 90 ms",
    ),
    (
        What.ERROR,
        ("s2", "api", 201, 1, 21 * MS, "upstream_truncated"),
        "breaks off a 201 (upstream_truncated): 1 attempt, last at s2 of pool api, 21 ms",
    ),
    (
        What.ERROR,
        ("", "", 0, 0, MS, "client_left"),
        "ends it without an answer (client_left): 0 attempts, 1 ms",
    ),
    (What.SHED, ("queue full",), "refuses on purpose: queue full"),
    (What.NO_SERVER, ("api",), "finds nobody to try in pool api"),
    (
        What.HEALTH,
        ("s1", "api", 0, "timeout"),
        "finds s1 of pool api unhealthy: no whole answer came in time",
    ),
    (What.HEALTH, ("s1", "api", 1, ""), "finds s1 of pool api healthy"),
    (
        What.EJECT,
        ("s1", "api", "5xx", 30_000 * MS),
        "ejects s1 of pool api for 30 s at least: 5xx",
    ),
    (What.READMIT, ("s1", "api"), "lets s1 of pool api in again"),
    (
        What.OPEN,
        ("s1", "api", "errors", 5_000 * MS),
        "opens the breaker of s1 of pool api for 5 s: errors",
    ),
    (
        What.OPEN,
        ("s1", "api", "forced", -1),
        "opens the breaker of s1 of pool api until a person closes it: forced",
    ),
    (What.HALF_OPEN, ("s1", "api"), "lets trials through the breaker of s1 of pool api"),
    (What.CLOSE, ("s1", "api", "probes"), "closes the breaker of s1 of pool api: probes"),
    (What.ADD, ("s1", "api"), "has a new server, s1 of pool api"),
    (What.REMOVE, ("s1", "api"), "has lost s1 of pool api for good"),
    (What.DRAIN, ("s1", "api"), "begins to drain s1 of pool api"),
    (What.DRAINED, ("s1", "api", 1), "has drained s1 of pool api: nothing was cut off"),
    (What.DRAINED, ("s1", "api", 0), "has drained s1 of pool api: what was left was cut off"),
    (What.RESUME, ("s1", "api"), "no longer drains s1 of pool api"),
    (
        What.FAIL_OPEN,
        ("api", "2 of 9 healthy"),
        "ignores health in pool api from now on: 2 of 9 healthy",
    ),
    (What.FAIL_CLOSED, ("api",), "heeds health in pool api again"),
    (What.NEWS, ("CONFIG_RELOADED",), "tells of CONFIG_RELOADED"),
    (What.INJECT, ("slow", 3, '{"x": 10.0}'), 'fault 3 begins: slow {"x": 10.0}'),
    (What.INJECT, ("reset", 4, "{}"), "fault 4 begins: reset"),
    (What.HEALED, ("slow", 3), "fault 3 is healed: slow"),
    (What.PHASE, ("safety",), "phase safety: clients come, and faults with them"),
    (What.PHASE, ("dusk",), "phase dusk"),
    (What.SOMETIMES, ("panic",), "reached for the first time: panic"),
    (What.NOTE, ("a", 1), "notes a 1"),
]


@pytest.mark.parametrize(("what", "values", "says"), SAID, ids=[what.name for what, _, _ in SAID])
def test_a_happening_has_its_sentence(what: What, values: tuple[int | str, ...], says: str) -> None:
    assert sentence(TraceEvent(0, 1, what.name, "x", 5, 1, values)) == says


def test_no_kind_is_without_a_sentence() -> None:
    assert {what for what, _, _ in SAID} == {*What}


@pytest.mark.parametrize("what", What)
def test_values_that_are_missing_are_no_hindrance(what: What) -> None:
    said = sentence(TraceEvent(0, 1, what.name, "x", 0, 0, ()))
    assert said
    assert not said.startswith(what.name)


def test_a_kind_that_is_not_known_is_shown_as_it_is() -> None:
    assert sentence(TraceEvent(0, 1, "SEND", "x", 0, 0, (80, "FIN"))) == "SEND 80 FIN"
