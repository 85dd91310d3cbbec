"""Rules L1 to L5: joins what clients intended and got with what servers saw.

A plain function of three lists, so that tests can plant each violation and see it
found. Nothing here is lenient towards any proxy, ours included; what a proxy is free to
do (an error status, a visible cut) is a figure in summary, and no violation.
"""

import enum
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from benchmarks.ledger.records import (
    IDEMPOTENT,
    Intent,
    Kind,
    Outcome,
    Sighting,
    Step,
)

MOST_TRIES: Final = 3
"""One and two retries: what all proxies here are allowed for idempotent methods."""
_NOT_SENT: Final = frozenset({*range(400, 500), 503})
"""Statuses by which a proxy says that it refused a request itself. 502 and 504 say that it tried."""


class Rule(enum.StrEnum):
    """The rules, in one line each; docs/ledger.md explains them."""

    L1 = "every request has exactly one outcome: a whole answer that names it, or a visible error"
    L2 = "no server sees a POST twice, or an idempotent request more often than tries are allowed"
    L3 = "a good answer was made by the server it names, of the bytes that were sent, and is whole"
    L4 = "no answer is another request's"
    L5 = "what was refused is at no server, and a promised listener refuses no connection"
    L6 = "the proxy's own books say the same as the ledger"
    L7 = "after the last fault the proxy holds what it held before"


@attrs.frozen
class Violation:
    """A broken rule, and the request that shows it (empty for a rule about the whole)."""

    rule: Rule
    id: str
    says: str

    def __str__(self) -> str:
        return f"{self.rule.name} {self.id}: {self.says}"


@attrs.frozen
class Books:
    """All that was written down in a run.

    ``promised_until`` is the instant from which the listener may refuse: that of the
    signal which told the proxy to stop.
    """

    intents: Sequence[Intent]
    outcomes: Sequence[Outcome]
    sightings: Sequence[Sighting]
    promised_until: float = math.inf
    most_tries: int = MOST_TRIES


@attrs.frozen
class Case:
    """Everything about one id."""

    intent: Intent
    outcomes: Sequence[Outcome]
    sightings: Sequence[Sighting]

    @property
    def outcome(self) -> Outcome | None:
        """The outcome, when there is just one."""
        return self.outcomes[0] if len(self.outcomes) == 1 else None

    @property
    def is_idempotent(self) -> bool:
        """Whether a proxy may send it again."""
        return self.intent.method in IDEMPOTENT

    @property
    def begun(self) -> int:
        """How many times a server read its head."""
        return sum(each.step is Step.BEGUN for each in self.sightings)

    @property
    def completions(self) -> Sequence[Sighting]:
        """The times a server read it whole."""
        return [each for each in self.sightings if each.step is Step.COMPLETE]


def check(books: Books) -> list[Violation]:
    """All violations of L1 to L5, in the order of the rules."""
    cases = join(books)
    found = [*_strangers(books)]
    for case in cases.values():
        found += _one_outcome(case)
        found += _tries(case, books.most_tries)
        found += _good_answer(case)
        found += _own_answer(case)
        found += _refused(case, books.promised_until)
    found += _strays(books)
    return sorted(found, key=lambda each: each.rule.name)


def join(books: Books) -> Mapping[str, Case]:
    """The lists by id. Strays stand beside outcomes, and are not among them."""
    outcomes, sightings = defaultdict(list), defaultdict(list)
    for outcome in books.outcomes:
        if outcome.kind is not Kind.STRAY:
            outcomes[outcome.id].append(outcome)
    for sighting in books.sightings:
        sightings[sighting.id].append(sighting)
    return {
        intent.id: Case(intent, outcomes[intent.id], sightings[intent.id])
        for intent in books.intents
    }


def _strangers(books: Books) -> Iterator[Violation]:
    """Ids that were never intended, and ids that were intended twice."""
    intended = Counter(intent.id for intent in books.intents)
    for request_id, times in intended.items():
        if times > 1:
            yield Violation(Rule.L1, request_id, f"intended {times} times: the harness is broken")
    for outcome in books.outcomes:
        if outcome.id not in intended:
            yield Violation(Rule.L1, outcome.id, "an outcome of what nobody intended")
    for sighting in books.sightings:
        if sighting.id not in intended:
            yield Violation(Rule.L4, sighting.id, f"{sighting.server} saw what nobody intended")


def _one_outcome(case: Case) -> Iterator[Violation]:
    """L1."""
    outcome = case.outcome
    if outcome is None:
        kinds = ", ".join(each.kind for each in case.outcomes) or "none"
        yield Violation(Rule.L1, case.intent.id, f"{len(case.outcomes)} outcomes ({kinds})")
    elif outcome.kind is Kind.SILENT:
        yield Violation(Rule.L1, outcome.id, f"silence for {outcome.seconds:.1f} s")
    elif outcome.kind is Kind.GARBLED:
        yield Violation(Rule.L1, outcome.id, f"no HTTP/1.1: {outcome.detail}")
    elif outcome.is_good and outcome.named is None:
        yield Violation(Rule.L1, outcome.id, f"{outcome.status} names no id: {outcome.detail}")


def _tries(case: Case, most_tries: int) -> Iterator[Violation]:
    """L2. Each life of a server counts, and each server."""
    allowed = most_tries if case.is_idempotent else 1
    if case.begun > allowed:
        servers = ", ".join(each.server for each in case.sightings if each.step is Step.BEGUN)
        says = f"{case.intent.method} seen {case.begun} times ({servers}), {allowed} allowed"
        yield Violation(Rule.L2, case.intent.id, says)


def _good_answer(case: Case) -> Iterator[Violation]:
    """L3. An idempotent request may be complete at several servers: those it was tried at."""
    outcome = case.outcome
    if outcome is None or outcome.kind is not Kind.ANSWERED or outcome.named != case.intent.id:
        return
    if not outcome.whole:
        yield Violation(Rule.L3, outcome.id, f"passed for complete, but is not: {outcome.detail}")
    at = [each.server for each in case.completions]
    if outcome.server not in at:
        says = f"{outcome.status} from {outcome.server}, complete at {', '.join(at) or 'nobody'}"
        yield Violation(Rule.L3, outcome.id, says)
    if not case.is_idempotent and len(at) > 1:
        yield Violation(Rule.L3, outcome.id, f"complete at {', '.join(at)}")
    if any(each.sha256 != case.intent.sha256 for each in case.completions):
        yield Violation(Rule.L3, outcome.id, "a server read other bytes than were sent")


def _own_answer(case: Case) -> Iterator[Violation]:
    """L4."""
    for outcome in case.outcomes:
        if outcome.named is not None and outcome.named != case.intent.id:
            yield Violation(Rule.L4, outcome.id, f"got the answer of {outcome.named}")


def _strays(books: Books) -> Iterator[Violation]:
    """L4: bytes after an answer would have become the next request's."""
    for outcome in books.outcomes:
        if outcome.kind is Kind.STRAY:
            yield Violation(Rule.L4, outcome.id, "bytes came after its answer")


def _refused(case: Case, promised_until: float) -> Iterator[Violation]:
    """L5. An idempotent request may have been tried before the proxy gave up on it."""
    outcome = case.outcome
    if outcome is None:
        return
    if outcome.kind is Kind.REFUSED:
        if case.begun:
            yield Violation(Rule.L5, outcome.id, "no connection, but a server saw it")
        if outcome.at < promised_until:
            yield Violation(Rule.L5, outcome.id, f"no connection: {outcome.detail}")
    elif _is_refusal(outcome) and not case.is_idempotent and case.begun:
        yield Violation(Rule.L5, outcome.id, f"{outcome.status} by the proxy, but a server saw it")


def _is_refusal(outcome: Outcome) -> bool:
    return outcome.kind is Kind.ANSWERED and outcome.named is None and outcome.status in _NOT_SENT
