"""Conduct: terms double, and only good answers take a doubling back."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.resilience import OutlierConfig
from trio_lb.policy.conduct import Conduct

SETTINGS = OutlierConfig()


def test_terms_double_up_to_the_maximum_where_the_count_stops() -> None:
    conduct = Conduct()
    assert [conduct.eject(SETTINGS) for _ in range(9)] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert conduct.ejections == 7


def test_a_good_period_begins_and_ends_with_a_success() -> None:
    conduct = Conduct(ejections=3)
    conduct.succeed(10.0, SETTINGS)
    conduct.succeed(14.999, SETTINGS)
    assert conduct.ejections == 3
    conduct.succeed(15.0, SETTINGS)
    assert conduct.ejections == 2


def test_the_count_stops_where_the_maximum_is_met_exactly() -> None:
    conduct, settings = Conduct(), OutlierConfig(max_ejection_time=20.0)
    assert [conduct.eject(settings) for _ in range(4)] == [5, 10, 20, 20]
    assert conduct.ejections == 3


def test_one_failure_between_two_successes_spoils_nothing() -> None:
    conduct = Conduct(ejections=3)
    conduct.succeed(10.0, SETTINGS)
    conduct.fail()
    conduct.succeed(15.0, SETTINGS)
    assert conduct.ejections == 2


def test_every_success_of_a_period_counts() -> None:
    conduct = Conduct(ejections=3)
    for now in (10.0, 11.0, 12.0, 13.0):
        conduct.succeed(now, SETTINGS)
    conduct.fail()
    conduct.fail()
    conduct.fail()
    conduct.succeed(15.0, SETTINGS)
    assert conduct.ejections == 2


def test_an_ejection_ends_the_period() -> None:
    conduct = Conduct(ejections=3)
    conduct.succeed(10.0, SETTINGS)
    conduct.eject(SETTINGS)
    conduct.succeed(15.0, SETTINGS)
    assert (conduct.ejections, conduct.good_since) == (4, 15.0)


def test_as_many_failures_as_successes_spoil_a_period() -> None:
    conduct = Conduct(ejections=3)
    conduct.succeed(10.0, SETTINGS)
    conduct.fail()
    conduct.fail()
    conduct.succeed(15.0, SETTINGS)
    assert (conduct.ejections, conduct.good_since, conduct.failures) == (3, 15.0, 0)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 8))
def test_law_n_falls_at_most_once_a_base_period(outcomes: list[bool], ejections: int) -> None:
    conduct = Conduct(ejections=ejections)
    for second, failed in enumerate(outcomes):
        if failed:
            conduct.fail()
        else:
            conduct.succeed(second, SETTINGS)
    assert ejections - len(outcomes) // 5 <= conduct.ejections <= ejections
