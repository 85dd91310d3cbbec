"""The checker: right books pass, and each way of breaking a rule is found by name and id."""

import random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ledger.checker import Books, Rule, check
from benchmarks.ledger.records import Kind, Step, digest
from tests.ledger.books import (
    answered,
    ended,
    intent,
    right_books,
    seen,
    with_more,
    with_outcome,
    without_outcome,
    without_sightings,
)

RIGHT = right_books()
OTHER_BYTES = digest(b"other bytes")


def found(books: Books) -> list[tuple[str, str]]:
    return [(violation.rule.name, violation.id) for violation in check(books)]


def with_other_bytes(request_id: str) -> Books:
    sightings = [
        attrs.evolve(each, sha256=OTHER_BYTES)
        if (each.id, each.step) == (request_id, Step.COMPLETE)
        else each
        for each in RIGHT.sightings
    ]
    return attrs.evolve(RIGHT, sightings=sightings)


def test_books_in_which_every_rule_is_kept_have_no_violation() -> None:
    assert check(RIGHT) == []


PLANTED = {
    "a request without an outcome": (without_outcome(RIGHT, "get"), [("L1", "get")]),
    "two outcomes": (with_more(RIGHT, outcomes=[answered("get", "s0")]), [("L1", "get")]),
    "an outcome of a request that nobody made": (
        with_more(RIGHT, outcomes=[answered("ghost", "s0")]),
        [("L1", "ghost")],
    ),
    "an id that was used twice": (
        attrs.evolve(RIGHT, intents=[*RIGHT.intents, intent("get", "GET")]),
        [("L1", "get")],
    ),
    "silence": (with_outcome(RIGHT, "cut-post", kind=Kind.SILENT), [("L1", "cut-post")]),
    "no HTTP": (with_outcome(RIGHT, "cut-post", kind=Kind.GARBLED), [("L1", "cut-post")]),
    "a good answer that names nobody": (
        with_outcome(RIGHT, "get", named=None, whole=False),
        [("L1", "get")],
    ),
    "a POST at two servers": (
        with_more(RIGHT, sightings=seen("failed-post", "s1", "POST", Step.BEGUN)),
        [("L2", "failed-post")],
    ),
    "a POST twice at one server": (
        with_more(RIGHT, sightings=seen("bad-gateway-post", "s0", "POST", Step.BEGUN)),
        [("L2", "bad-gateway-post")],
    ),
    "a GET tried four times": (
        with_more(RIGHT, sightings=seen("get", "s1", "GET", *[Step.BEGUN] * 3)),
        [("L2", "get")],
    ),
    "an answer cut short that passed for complete": (
        with_outcome(RIGHT, "post", whole=False),
        [("L3", "post")],
    ),
    "an error's body cut short that passed for complete": (
        with_outcome(RIGHT, "failed-post", whole=False),
        [("L3", "failed-post")],
    ),
    "a good answer that no server made": (without_sightings(RIGHT, "post"), [("L3", "post")]),
    "a good answer by a server that never read it whole": (
        with_outcome(RIGHT, "retried-get", server="s1"),
        [("L3", "retried-get")],
    ),
    "a body that changed on its way": (with_other_bytes("post"), [("L3", "post")]),
    "another request's answer": (with_outcome(RIGHT, "get", named="post"), [("L4", "get")]),
    "another request's error": (
        with_outcome(RIGHT, "failed-post", named="post"),
        [("L4", "failed-post")],
    ),
    "bytes after an answer": (
        with_more(RIGHT, outcomes=[ended("get", Kind.STRAY)]),
        [("L4", "get")],
    ),
    "a request at a server that nobody made": (
        with_more(RIGHT, sightings=seen("ghost", "s0", "GET", Step.BEGUN)),
        [("L4", "ghost")],
    ),
    "a POST that was refused and sent": (
        with_more(RIGHT, sightings=seen("shed-post", "s0", "POST", Step.BEGUN)),
        [("L5", "shed-post")],
    ),
    "a request without a connection that was sent": (
        with_more(RIGHT, sightings=seen("late-get", "s0", "GET", Step.BEGUN)),
        [("L5", "late-get")],
    ),
    "a connection refused while a listener was promised": (
        with_outcome(RIGHT, "late-get", at=9.0),
        [("L5", "late-get")],
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_found_by_its_rule_and_id(name: str) -> None:
    books, expected = PLANTED[name]
    assert found(books) == expected


def test_a_post_complete_at_two_servers_breaks_two_rules() -> None:
    whole = (Step.BEGUN, Step.COMPLETE)
    books = with_more(RIGHT, sightings=seen("post", "s2", "POST", *whole))
    assert found(books) == [("L2", "post"), ("L3", "post")]


def test_every_rule_about_the_three_lists_has_a_planted_violation() -> None:
    rules = {rule for _, expected in PLANTED.values() for rule, _ in expected}
    assert rules == {rule.name for rule in Rule} - {"L6", "L7"}


def test_a_violation_says_what_was_seen() -> None:
    books = with_more(RIGHT, sightings=seen("failed-post", "s1", "POST", Step.BEGUN))
    assert [str(each) for each in check(books)] == [
        "L2 failed-post: POST seen 2 times (s0, s1), 1 allowed"
    ]


@given(seed=st.integers(0, 2**32))
def test_the_order_of_the_lists_does_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    books, expected = PLANTED["a POST at two servers"]
    shuffled = attrs.evolve(
        books,
        intents=rng.sample(books.intents, len(books.intents)),
        outcomes=rng.sample(books.outcomes, len(books.outcomes)),
        sightings=rng.sample(books.sightings, len(books.sightings)),
    )
    assert found(shuffled) == expected


@given(victim=st.sampled_from([each.id for each in RIGHT.intents]))
def test_no_outcome_can_be_taken_away_unnoticed(victim: str) -> None:
    assert found(without_outcome(RIGHT, victim)) == [("L1", victim)]
