"""Rule L6: the proxy's own books, its access log and its statistics, against the ledger."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from benchmarks.ledger.checker import Books, Rule, Violation
from benchmarks.ledger.records import ID_IN_TARGET, Kind, Step

_ACTIVE: Final = re.compile(r"Total Active Connections: (\d+)")
_SERVER: Final = re.compile(
    r"Backend\[\d+\] (\S+): Status=(\w+), Active=(\d+), Total=(\d+), Failed=(\d+)"
)
_BLOCK: Final = "=== Load Balancer Stats ==="
_BLOCK_END: Final = "============================"


@attrs.frozen
class ServerCount:
    """What a proxy's statistics say of one server."""

    status: str
    active: int
    total: int
    failed: int


@attrs.frozen
class Statistics:
    """The last block of statistics that a proxy printed; servers by ``host:port``."""

    active: int
    servers: Mapping[str, ServerCount]


def check_access_log(books: Books, text: str) -> Iterator[Violation]:
    """One line for each request that was answered, and never two.

    A request that was dropped before a byte may have reached the proxy or not, so it
    has one line or none; one that never got a connection has none.
    """
    lines = Counter(ID_IN_TARGET.findall(text))
    kinds = {each.id: each.kind for each in books.outcomes if each.kind is not Kind.STRAY}
    for request_id, kind in kinds.items():
        at_least = int(kind in (Kind.ANSWERED, Kind.CUT))
        at_most = int(kind is not Kind.REFUSED)
        if not at_least <= lines[request_id] <= at_most:
            says = f"{lines[request_id]} lines in the access log, outcome {kind}"
            yield Violation(Rule.L6, request_id, says)
    for request_id in lines.keys() - kinds.keys():
        yield Violation(Rule.L6, request_id, "in the access log, but never made")


def count_blocks(text: str) -> int:
    """How many blocks of statistics a program has printed whole."""
    return text.count(_BLOCK_END)


def parse_statistics(text: str) -> Statistics | None:
    """Read the last whole block in a program's output, if there is one."""
    for block in reversed(text.split(_BLOCK)[1:]):
        active = _ACTIVE.search(block)
        if active and _BLOCK_END in block:
            return Statistics(int(active[1]), dict(_servers(block)))
    return None


def _servers(block: str) -> Iterator[tuple[str, ServerCount]]:
    for address, status, *counts in _SERVER.findall(block):
        active, total, failed = map(int, counts)
        yield address, ServerCount(status, active, total, failed)


def check_statistics(
    books: Books, statistics: Statistics, names: Mapping[str, str], *, calm: bool
) -> Iterator[Violation]:
    """Nothing is in flight any more, and every answer of a server was counted.

    In a ``calm`` run the counts are exactly what the servers saw. Otherwise a proxy may
    count more (a connection that was refused) or less (a reused connection that turned out
    to be dead, by which no proxy can tell whether the request was seen). ``names`` maps
    ``host:port`` to the names that sightings use.
    """
    if statistics.active:
        yield Violation(Rule.L6, "", f"{statistics.active} connections still counted as active")
    begun = Counter(each.server for each in books.sightings if each.step is Step.BEGUN)
    answers = Counter(each.server for each in books.outcomes if each.kind is Kind.ANSWERED)
    for address, name in names.items():
        count = statistics.servers.get(address)
        if count is None:
            yield Violation(Rule.L6, "", f"the statistics do not know {address}")
            continue
        if count.active:
            yield Violation(Rule.L6, "", f"{name}: {count.active} requests counted as active")
        if calm and count.total != begun[name]:
            says = f"{name}: {count.total} requests counted, the server saw {begun[name]}"
            yield Violation(Rule.L6, "", says)
        elif count.total < answers[name]:
            says = f"{name}: {count.total} requests counted, {answers[name]} answers came from it"
            yield Violation(Rule.L6, "", says)


def examples(violations: Sequence[Violation], most_of_each: int = 3) -> Iterator[str]:
    """The first few violations of each rule, and how many more there are."""
    by_rule = defaultdict(list)
    for violation in violations:
        by_rule[violation.rule].append(violation)
    for rule, found in sorted(by_rule.items(), key=lambda item: item[0].name):
        yield from map(str, found[:most_of_each])
        if len(found) > most_of_each:
            yield f"{rule.name}: and {len(found) - most_of_each} more"
