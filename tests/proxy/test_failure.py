"""Failures and their names; what an attempt makes of each is in test_attempt.py."""

import pytest
import trio
from trio.testing import MockClock

from trio_lb.config.bounds import TimeoutsConfig
from trio_lb.model.message import Reject
from trio_lb.model.outcome import OutcomeKind
from trio_lb.net.body import BodyCut, BodyRefused
from trio_lb.net.h1_upstream import HeadCut
from trio_lb.proxy.failure import FAILURES, ClientGone, cut_short, kind_of, still_coming


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


async def test_a_cut_is_named_by_the_wait_that_ended(autojump_clock: MockClock) -> None:
    timeouts = TimeoutsConfig(response=20.0, idle=7.5)
    assert cut_short(timeouts, 20.0) == "the server sent nothing for 7.5 s"
    await trio.sleep(20.0)
    assert cut_short(timeouts, 20.0) == "not complete within 20 s"


def test_a_body_that_took_all_of_the_time_is_refused_by_its_length() -> None:
    refusal = still_coming(TimeoutsConfig(response=2.5))
    assert (refusal.status, refusal.message) == (408, "the body was still coming after 2.5 s")
