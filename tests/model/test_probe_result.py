"""What a user's own check returns: small, frozen, and never well by mistake."""

import attrs
import pytest

from trio_lb.model.probe_result import ProbeResult


def test_a_verdict_is_enough() -> None:
    result = ProbeResult(healthy=True)
    assert (result.latency_seconds, result.details, result.error) == (None, {}, None)


def test_it_can_say_more() -> None:
    result = ProbeResult(False, 0.25, {"databaseStatus": "slow"}, "the queue is full")
    assert (result.healthy, result.latency_seconds) == (False, 0.25)
    assert (result.details["databaseStatus"], result.error) == ("slow", "the queue is full")


def test_it_does_not_change() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ProbeResult(True).healthy = False  # type: ignore[misc] # That is what must not work.


def test_two_results_share_no_details() -> None:
    assert ProbeResult(True).details is not ProbeResult(True).details


@pytest.mark.parametrize("word", ["down", 0, None])
def test_only_a_bool_is_a_verdict(word: object) -> None:
    with pytest.raises(TypeError, match="healthy is True or False, not "):
        ProbeResult(word)  # type: ignore[arg-type] # A program that nobody checked.
