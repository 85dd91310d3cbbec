"""L6: log lines and statistics against the ledger, with violations planted."""

from typing import Any

import attrs
import pytest

from benchmarks.ledger.accounts import (
    ServerCount,
    Statistics,
    check_access_log,
    check_statistics,
    examples,
    parse_statistics,
)
from benchmarks.ledger.checker import Rule, Violation
from benchmarks.ledger.records import Kind
from tests.ledger.books import right_books

BOOKS = right_books()
LOGGED = [each.id for each in BOOKS.outcomes if each.kind is not Kind.REFUSED]
NAMES = {"127.0.0.1:9001": "s0", "127.0.0.1:9002": "s1", "127.0.0.1:9003": "s2"}
# s0 saw six requests and answered two of them; s1 and s2 saw and answered one each.
BLOCK = """\
=== Load Balancer Stats ===
Total Active Connections: 0
Backend[0] 127.0.0.1:9001: Status=HEALTHY, Active=0, Total=6, Failed=1
Backend[1] 127.0.0.1:9002: Status=HEALTHY, Active=0, Total=1, Failed=0
Backend[2] 127.0.0.1:9003: Status=UNHEALTHY, Active=0, Total=1, Failed=0
============================
"""


def log_of(ids: list[str]) -> str:
    return "".join(f"127.0.0.1 GET /ledger/{each}?bytes=0 200\n" for each in ids)


def in_log(ids: list[str]) -> list[str]:
    return [violation.id for violation in check_access_log(BOOKS, log_of(ids))]


def test_one_line_a_request_is_right() -> None:
    assert in_log(LOGGED) == []


def test_a_missing_line_is_found() -> None:
    assert in_log([each for each in LOGGED if each != "cut-post"]) == ["cut-post"]


def test_a_second_line_is_found() -> None:
    assert in_log([*LOGGED, "get"]) == ["get"]


def test_a_request_dropped_before_a_byte_needs_no_line() -> None:
    assert in_log([each for each in LOGGED if each != "dropped-post"]) == []


def test_a_line_for_a_request_that_got_no_connection_is_found() -> None:
    assert in_log([*LOGGED, "late-get"]) == ["late-get"]


def test_a_line_for_a_request_that_nobody_made_is_found() -> None:
    assert in_log([*LOGGED, "ghost"]) == ["ghost"]


def statistics() -> Statistics:
    parsed = parse_statistics(BLOCK)
    assert parsed is not None
    return parsed


def changed(address: str, **changes: Any) -> Statistics:
    right = statistics()
    count = attrs.evolve(right.servers[address], **changes)
    return attrs.evolve(right, servers={**right.servers, address: count})


def said(counts: Statistics, *, calm: bool = True) -> list[str]:
    return [violation.says for violation in check_statistics(BOOKS, counts, NAMES, calm=calm)]


def test_the_block_is_read() -> None:
    assert statistics().active == 0
    assert statistics().servers["127.0.0.1:9003"] == ServerCount("UNHEALTHY", 0, 1, 0)


def test_the_last_whole_block_counts() -> None:
    earlier = BLOCK.replace("Connections: 0", "Connections: 5")
    torn = BLOCK[: BLOCK.index("Backend[1]")]
    assert parse_statistics(f"ready\n{earlier}{BLOCK}{torn}") == statistics()


def test_output_without_a_block_has_no_statistics() -> None:
    assert parse_statistics("ready\n") is None


def test_right_counts_are_right() -> None:
    assert said(statistics()) == []


def test_connections_that_are_still_counted_are_found() -> None:
    assert said(attrs.evolve(statistics(), active=2)) == ["2 connections still counted as active"]


def test_a_request_that_is_still_counted_is_found() -> None:
    assert said(changed("127.0.0.1:9002", active=1)) == ["s1: 1 requests counted as active"]


@pytest.mark.parametrize("total", [5, 7])
def test_in_a_calm_run_the_counts_are_what_the_servers_saw(total: int) -> None:
    assert said(changed("127.0.0.1:9001", total=total)) == [
        f"s0: {total} requests counted, the server saw 6"
    ]


@pytest.mark.parametrize(("total", "found"), [(2, 0), (7, 0), (1, 1)])
def test_under_faults_every_answer_must_be_counted_and_no_more(total: int, found: int) -> None:
    """Two answers came from s0; four more requests were seen there, and answered otherwise."""
    assert len(said(changed("127.0.0.1:9001", total=total), calm=False)) == found


def test_a_server_that_the_statistics_do_not_know_is_found() -> None:
    right = statistics()
    servers = {k: v for k, v in right.servers.items() if k != "127.0.0.1:9001"}
    assert said(attrs.evolve(right, servers=servers)) == [
        "the statistics do not know 127.0.0.1:9001"
    ]


def test_examples_are_few_and_say_how_many_more_there_are() -> None:
    violations = [Violation(Rule.L4, f"id-{n}", "wrong") for n in range(5)]
    assert list(examples(violations, 2)) == ["L4 id-0: wrong", "L4 id-1: wrong", "L4: and 3 more"]
