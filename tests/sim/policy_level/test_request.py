"""How attempts end at a modelled server means to the policies what it means in a proxy."""

import pytest

from trio_lb.model.outcome import SILENT_KINDS, Outcome
from trio_lb.policy.balance.base import Context
from trio_lb.sim.policy_level.request import (
    ANSWERED,
    FAILED,
    LATE,
    LEFT,
    REFUSED,
    RESET,
    SHED,
    Request,
)


@pytest.mark.parametrize("outcome", [SHED, FAILED, REFUSED, RESET, LATE])
def test_what_a_server_does_wrong_counts_against_it(outcome: Outcome) -> None:
    assert outcome.is_server_failure


@pytest.mark.parametrize("outcome", [ANSWERED, LEFT])
def test_a_good_answer_and_a_client_that_left_do_not(outcome: Outcome) -> None:
    assert not outcome.is_server_failure
    assert (outcome.kind in SILENT_KINDS) is (outcome is LEFT)


def test_only_a_refused_connection_never_reached_the_server() -> None:
    ends = (ANSWERED, SHED, FAILED, REFUSED, RESET, LATE, LEFT)
    assert [each for each in ends if each.is_connect_failure] == [REFUSED]
    assert [each for each in ends if not each.sent] == [REFUSED]


def test_a_request_begins_with_nothing_in_hand() -> None:
    request = Request(3.5, 0.01, Context("client"))
    assert (request.came_at, request.work, request.lease) == (3.5, 0.01, None)
    assert (request.number, request.tries, request.attempts) == (0, 0, 0)
