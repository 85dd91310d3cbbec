"""Failures and their names; what an attempt makes of each is in test_attempt.py."""

import pytest
import trio

from trio_lb.model.message import Reject
from trio_lb.model.outcome import OutcomeKind
from trio_lb.net.body import BodyCut, BodyRefused
from trio_lb.net.h1_upstream import HeadCut
from trio_lb.proxy.failure import FAILURES, ClientGone, kind_of


class BrokenRecord(trio.BrokenResourceError):
    """A transport's own kind of break."""


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ClientGone("reset"), OutcomeKind.ABANDONED),
        (HeadCut(7), OutcomeKind.CLOSED),
        (trio.BrokenResourceError("reset"), OutcomeKind.RESET),
        (BrokenRecord("a bad record"), OutcomeKind.RESET),
        (BodyCut("short"), OutcomeKind.TRUNCATED),
        (BodyRefused(Reject(400, "bad_request", "chunk")), OutcomeKind.BAD_RESPONSE),
    ],
)
def test_every_failure_has_a_name(failure: Exception, kind: OutcomeKind) -> None:
    assert isinstance(failure, FAILURES)
    assert kind_of(failure) is kind


def test_our_own_bugs_and_our_own_close_have_none() -> None:
    assert not isinstance(trio.ClosedResourceError(), FAILURES)
    assert not isinstance(RuntimeError(), FAILURES)
