"""Outcomes: which of them count against a server, and which allow another try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_lb.model.outcome import CONNECT_KINDS, SILENT_KINDS, Outcome, OutcomeKind

K = OutcomeKind

# One row a kind, so that a new kind has to be thought about here:
# (counts against the server, was never reached).
JUDGEMENTS = {
    K.ANSWERED: (False, False),
    K.CONNECT_REFUSED: (True, True),
    K.CONNECT_TIMEOUT: (True, True),
    K.CONNECT_FAILED: (True, True),
    K.EXHAUSTED: (False, False),
    K.STALE: (False, False),
    K.RESET: (True, False),
    K.CLOSED: (True, False),
    K.TIMEOUT: (True, False),
    K.BAD_RESPONSE: (True, False),
    K.TRUNCATED: (True, False),
    K.ABANDONED: (False, False),
}


def test_every_kind_is_judged() -> None:
    assert set(JUDGEMENTS) == set(OutcomeKind)


@pytest.mark.parametrize("kind", OutcomeKind)
def test_a_kind_counts_against_the_server_or_not(kind: OutcomeKind) -> None:
    outcome = Outcome(kind)
    assert (outcome.is_server_failure, outcome.is_connect_failure) == JUDGEMENTS[kind]


@pytest.mark.parametrize(
    ("status", "is_failure"), [(200, False), (304, False), (499, False), (500, True), (599, True)]
)
def test_of_the_answers_only_a_5xx_counts_against_the_server(status: int, is_failure: bool) -> None:
    assert Outcome(K.ANSWERED, status).is_server_failure is is_failure


@pytest.mark.parametrize("kind", sorted(SILENT_KINDS, key=str))
def test_a_status_does_not_blame_the_server_for_what_others_did(kind: OutcomeKind) -> None:
    assert not Outcome(kind, 500).is_server_failure


def test_an_outcome_may_have_sent_something_unless_it_says_otherwise() -> None:
    outcome = Outcome(K.RESET)
    assert (outcome.status, outcome.sent, outcome.detail) == (None, True, "")


@given(st.sampled_from(OutcomeKind), st.none() | st.integers(100, 599), st.booleans())
def test_whoever_was_never_reached_failed(
    kind: OutcomeKind, status: int | None, sent: bool
) -> None:
    outcome = Outcome(kind, status, sent)
    assert outcome.is_connect_failure == (kind in CONNECT_KINDS)
    assert outcome.is_server_failure or not outcome.is_connect_failure
