"""Which outcomes count against a server, and which say that it was never reached."""

import pytest

from trio_lb.model.outcome import Outcome, OutcomeKind

KIND = OutcomeKind
BLAMELESS = {KIND.STALE, KIND.ABANDONED}
UNREACHED = {KIND.CONNECT_REFUSED, KIND.CONNECT_TIMEOUT, KIND.CONNECT_FAILED}


@pytest.mark.parametrize("kind", [kind for kind in OutcomeKind if kind is not KIND.ANSWERED])
def test_every_kind_has_its_blame(kind: OutcomeKind) -> None:
    assert Outcome(kind).is_server_failure is (kind not in BLAMELESS)
    assert Outcome(kind).is_connect_failure is (kind in UNREACHED)


@pytest.mark.parametrize(
    ("status", "failed"), [(101, False), (200, False), (404, False), (499, False), (500, True)]
)
def test_an_answer_is_blamed_from_500_on(status: int, failed: bool) -> None:
    outcome = Outcome(KIND.ANSWERED, status)
    assert outcome.is_server_failure is failed
    assert not outcome.is_connect_failure
