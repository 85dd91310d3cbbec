"""The standing of servers follows their balancers' own words."""

from collections.abc import Mapping

import pytest

from tests.sim.checks.support import SECOND, Play, servers, world
from trio_lb.config.probing import HealthCheckConfig
from trio_lb.config.resilience import BreakerConfig
from trio_lb.sim.checks.check import Check
from trio_lb.sim.checks.standing import Standing, Standings
from trio_lb.sim.checks.world import World
from trio_lb.sim.happening import Ear, Happening, Value, What


class Book(Check):
    """Nothing but standings."""

    name = "book"

    def __init__(self) -> None:
        super().__init__()
        self.standings = Standings()

    @property
    def ears(self) -> Mapping[What, Ear]:
        return {**self.standings.ears, What.SELECT: self.standings.selected}

    def begin(self, world: World) -> None:
        self.standings.begin(world)

    def of(self, server: str) -> Standing:
        return self.standings.of(Happening(0.0, What.SELECT, "lb", 0, 0, (server, "default")))

    def against(self, server: str) -> str | None:
        return self.of(server).against(self.standings.fails_open("lb", "default"))


OUT: list[tuple[What, tuple[Value, ...], What, tuple[Value, ...], str]] = [
    (What.HEALTH, (0, "x"), What.HEALTH, (1, "x"), "its checks are bad"),
    (What.EJECT, ("x", 5 * SECOND), What.READMIT, (), "it is ejected until 6.000000 s"),
    (What.OPEN, ("x", 5 * SECOND), What.CLOSE, ("x",), "its breaker is open"),
    (What.OPEN, ("x", 5 * SECOND), What.HALF_OPEN, (), "its breaker is open"),
    (What.DRAIN, (), What.RESUME, (), "it drains"),
    (What.REMOVE, (), What.ADD, (), "it has left the pool"),
]


@pytest.mark.parametrize(("out", "values", "back", "back_values", "why"), OUT)
def test_each_word_against_a_server_is_taken_back_by_another(
    out: What, values: tuple[Value, ...], back: What, back_values: tuple[Value, ...], why: str
) -> None:
    book = Book()
    play = Play(book)
    assert book.against("s1") is None
    play.lb(1.0, out, "s1", "default", *values)
    assert (book.against("s1") or "").startswith(why)
    assert not book.of("s1").is_clear or out is What.REMOVE
    assert book.against("s2") is None
    play.lb(2.0, back, "s1", "default", *back_values)
    assert book.against("s1") is None


def test_fail_open_overrules_checks_and_nothing_else() -> None:
    book = Book()
    play = Play(book)
    play.lb(1.0, What.HEALTH, "s1", "default", 0, "x")
    play.lb(1.0, What.EJECT, "s2", "default", "x", 5 * SECOND)
    play.lb(1.0, What.FAIL_OPEN, "default", "x")
    assert book.against("s1") is None
    assert book.against("s2") is not None
    assert book.standings.failing_open == [("lb", "default")]
    play.lb(2.0, What.FAIL_CLOSED, "default")
    assert book.against("s1") is not None


def test_whoever_is_picked_is_in_service_unless_on_trial() -> None:
    book = Book()
    play = Play(book)
    play.lb(1.0, What.SELECT, "s1", "default", 0)
    play.lb(1.0, What.HALF_OPEN, "s2", "default")
    play.lb(1.0, What.SELECT, "s2", "default", 0)
    assert (book.of("s1").is_good, book.of("s2").is_good) == (True, False)


def test_a_new_server_of_an_old_id_survives_the_old_ones_leaving() -> None:
    book = Book()
    play = Play(book)
    play.lb(1.0, What.DRAIN, "s1", "default")
    play.lb(1.0, What.ADD, "s1", "default")
    play.lb(5.0, What.REMOVE, "s1", "default")
    assert book.against("s1") is None
    play.lb(6.0, What.REMOVE, "s1", "default")
    assert book.against("s1") == "it has left the pool"


def test_another_plan_voids_what_it_does_not_speak_of() -> None:
    book = Book()
    small = world(
        servers=servers(2),
        health_check=HealthCheckConfig(enabled=True),
        circuit_breaker=BreakerConfig(enabled=False),
    )
    play = Play(book, small)
    play.lb(1.0, What.HEALTH, "s1", "default", 0, "x")
    play.lb(1.0, What.OPEN, "s2", "default", "x", 5 * SECOND)
    play.lb(2.0, What.NEWS, "config_updated")
    assert book.against("s1") is not None
    assert book.against("s2") is None


def test_a_crash_of_the_balancer_voids_everything() -> None:
    book = Book()
    play = Play(book, world())
    play.lb(1.0, What.HEALTH, "s1", "default", 0, "x")
    play.lb(1.0, What.FAIL_OPEN, "default", "x")
    play.tell(2.0, What.INJECT, "lb", "crash", 1, "{}")
    assert list(book.standings.all()) == []
    assert book.standings.failing_open == []
