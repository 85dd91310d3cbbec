"""A ledger by hand: one request of each fate, every rule kept, to plant violations in."""

from typing import Any

import attrs

from benchmarks.ledger.checker import Books
from benchmarks.ledger.records import Intent, Kind, Outcome, Sighting, Step, digest

SENT = digest(b"the bytes that were sent")


def intent(request_id: str, method: str) -> Intent:
    return Intent(request_id, method, SENT, 200, at=1.0)


def answered(request_id: str, server: str, status: int = 200) -> Outcome:
    """A server's whole answer, as it should be."""
    return Outcome(
        request_id,
        Kind.ANSWERED,
        at=2.0,
        seconds=1.0,
        status=status,
        named=request_id,
        server=server,
        whole=True,
    )


def ended(request_id: str, kind: Kind, at: float = 2.0) -> Outcome:
    return Outcome(request_id, kind, at=at, seconds=1.0)


def own_answer(request_id: str, status: int) -> Outcome:
    """An answer that the proxy made itself: it names no id."""
    return Outcome(request_id, Kind.ANSWERED, at=2.0, seconds=1.0, status=status)


def seen(request_id: str, server: str, method: str, *steps: Step) -> list[Sighting]:
    return [
        Sighting(
            request_id, server, method, step, at=1.5, sha256=SENT if step is Step.COMPLETE else None
        )
        for step in steps
    ]


def right_books() -> Books:
    """All that may happen without a rule being broken."""
    whole = (Step.BEGUN, Step.COMPLETE)
    return Books(
        intents=[
            intent("get", "GET"),
            intent("post", "POST"),
            intent("retried-get", "GET"),
            intent("cut-post", "POST"),
            intent("dropped-post", "POST"),
            intent("bad-gateway-post", "POST"),
            intent("failed-post", "POST"),
            intent("shed-post", "POST"),
            intent("shed-get", "GET"),
            intent("late-get", "GET"),
        ],
        outcomes=[
            answered("get", "s0"),
            answered("post", "s1"),
            answered("retried-get", "s2"),
            ended("cut-post", Kind.CUT),
            ended("dropped-post", Kind.DROPPED),
            own_answer("bad-gateway-post", 502),
            answered("failed-post", "s0", status=500),
            own_answer("shed-post", 503),
            own_answer("shed-get", 503),
            ended("late-get", Kind.REFUSED, at=11.0),
        ],
        sightings=[
            *seen("get", "s0", "GET", *whole),
            *seen("post", "s1", "POST", *whole),
            *seen("retried-get", "s0", "GET", *whole),
            *seen("retried-get", "s2", "GET", *whole),
            *seen("cut-post", "s0", "POST", *whole, Step.HALVED),
            *seen("bad-gateway-post", "s0", "POST", Step.BEGUN),
            *seen("failed-post", "s0", "POST", *whole),
            *seen("shed-get", "s0", "GET", *whole),
        ],
        promised_until=10.0,
    )


def with_outcome(books: Books, request_id: str, **changes: Any) -> Books:
    """The same books, but for what became of one request."""
    outcomes = [
        attrs.evolve(each, **changes) if each.id == request_id else each for each in books.outcomes
    ]
    return attrs.evolve(books, outcomes=outcomes)


def without_outcome(books: Books, request_id: str) -> Books:
    outcomes = [each for each in books.outcomes if each.id != request_id]
    return attrs.evolve(books, outcomes=outcomes)


def without_sightings(books: Books, request_id: str) -> Books:
    sightings = [each for each in books.sightings if each.id != request_id]
    return attrs.evolve(books, sightings=sightings)


def with_more(
    books: Books, *, outcomes: list[Outcome] | None = None, sightings: list[Sighting] | None = None
) -> Books:
    return attrs.evolve(
        books,
        outcomes=[*books.outcomes, *(outcomes or [])],
        sightings=[*books.sightings, *(sightings or [])],
    )
