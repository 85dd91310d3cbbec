"""What is out of the ordinary becomes a span, in its lane, from when to when."""

from trio_lb.sim.happening import Happening, Value, What
from trio_lb.sim.report.bands import Bands, Lane, Row


def told(*steps: tuple[float, What, tuple[Value, ...]], balancer: str = "lb") -> Bands:
    heard = Bands()
    ears = heard.ears()
    for at, what, values in steps:
        ears[what](Happening(at, what, balancer, 0, 0, values))
    return heard


def spans(row: Row) -> list[tuple[Lane, str, float, float | None]]:
    return [(span.lane, span.state, span.begin, span.end) for span in row.spans]


def test_a_breaker_goes_from_open_over_half_open_to_nothing_worth_a_span() -> None:
    heard = told(
        (1.0, What.OPEN, ("s1", "api", "five failures", 5)),
        (6.0, What.HALF_OPEN, ("s1", "api")),
        (6.5, What.CLOSE, ("s1", "api", "trials succeeded")),
    )
    assert spans(heard.rows["lb", "api", "s1"]) == [
        (Lane.BREAKER, "open", 1.0, 6.0),
        (Lane.BREAKER, "half-open", 6.0, 6.5),
    ]


def test_lanes_do_not_know_each_other() -> None:
    heard = told(
        (1.0, What.HEALTH, ("s1", "api", 0, "refused")),
        (2.0, What.EJECT, ("s1", "api", "gateway", 30)),
        (3.0, What.HEALTH, ("s1", "api", 1, "answered")),
        (4.0, What.DRAIN, ("s1", "api")),
    )
    assert spans(heard.rows["lb", "api", "s1"]) == [
        (Lane.HEALTH, "down", 1.0, 3.0),
        (Lane.EJECTION, "ejected", 2.0, None),
        (Lane.DRAIN, "draining", 4.0, None),
    ]


def test_a_server_that_is_healthy_from_the_beginning_has_a_row_without_spans() -> None:
    heard = told((0.0, What.ADD, ("s1", "api")), (0.1, What.HEALTH, ("s1", "api", 1, "answered")))
    assert spans(heard.rows["lb", "api", "s1"]) == []


def test_a_server_that_left_and_came_back_was_removed_between() -> None:
    heard = told(
        (1.0, What.DRAIN, ("s1", "api")),
        (2.0, What.DRAINED, ("s1", "api", 1)),
        (3.0, What.REMOVE, ("s1", "api")),
        (9.0, What.ADD, ("s1", "api")),
    )
    assert [(span.state, span.end) for span in heard.rows["lb", "api", "s1"].spans] == [
        ("draining", 2.0),
        ("drained", 3.0),
        ("removed", 9.0),
    ]


def test_the_same_state_again_goes_on() -> None:
    opened = (What.OPEN, ("s1", "api", "why", 5))
    heard = told((1.0, *opened), (2.0, *opened))
    assert spans(heard.rows["lb", "api", "s1"]) == [(Lane.BREAKER, "open", 1.0, None)]


def test_a_pool_that_ignores_health_has_a_row_of_its_own() -> None:
    heard = told((1.0, What.FAIL_OPEN, ("api", "half down")), (4.0, What.FAIL_CLOSED, ("api",)))
    row = heard.rows["lb", "api", ""]
    assert spans(row) == [(Lane.HEALTH, "fail-open", 1.0, 4.0)]
    assert row.spans[0].why == "half down"


def test_spans_beyond_the_bound_are_counted_not_kept() -> None:
    heard = Bands(most_spans=2)
    for at in range(10):
        values = ("s1", "api", at % 2, "flaps")
        heard.hear_health(Happening(float(at), What.HEALTH, "lb", 0, 0, values))
    assert (len(heard.rows["lb", "api", "s1"].spans), heard.dropped) == (2, 3)
