"""Who comes back from an ejection has had a rest, and is no model for those who had none."""

from tests.policy.test_outlier import detector, eject, fail, succeed
from trio_lb.model.events import ServerEjected
from trio_lb.policy.outlier import EVIDENCE_SECONDS, OutlierDetector


def back_again(**settings: float) -> tuple[OutlierDetector, float]:
    """A detector whose server "a" has just come back, and when."""
    outlier = detector(**settings)
    returns = eject(outlier, "a", 7.0).until
    outlier.on_deadline(returns)
    return outlier, returns


def test_success_after_a_rest_is_no_evidence_for_ten_seconds() -> None:
    outlier, returns = back_again(base_ejection_time=30.0)
    for late in (0.5, EVIDENCE_SECONDS - 0.5):
        fail(outlier, "b", returns + late, 5)
        succeed(outlier, returns + late, "a")
        assert fail(outlier, "b", returns + late, 5) == []
    assert outlier.statistics().spared_alike_total > 0
    succeed(outlier, returns + EVIDENCE_SECONDS, "a")
    told = fail(outlier, "b", returns + EVIDENCE_SECONDS)
    assert [event.server_id for event in told if isinstance(event, ServerEjected)] == ["b"]


def test_who_has_been_forgiven_is_evidence_at_once() -> None:
    outlier, returns = back_again(base_ejection_time=5.0)
    succeed(outlier, returns, "a")
    succeed(outlier, returns + 5.0, "a")
    fail(outlier, "b", returns + 6.0, 4)
    succeed(outlier, returns + 6.0, "a")
    assert len(fail(outlier, "b", returns + 6.0)) == 1


def test_a_server_that_was_never_out_is_evidence_at_once() -> None:
    outlier, returns = back_again()
    assert fail(outlier, "b", returns, 5) == []
    succeed(outlier, returns, "c")
    assert len(fail(outlier, "b", returns)) == 1
