"""An id stands for a request while a balancer has it under way."""

from trio_lb.sim.numbers import FIRST_INNER, Numbers


def test_an_id_is_known_from_its_begin_to_its_end() -> None:
    numbers = Numbers()
    numbers.begin("a7", 17)
    assert (numbers.of("a7"), numbers.of("b3")) == (17, 0)
    numbers.end("a7", 17)
    assert numbers.of("a7") == 0


def test_an_id_of_two_is_that_of_the_innermost_until_it_ends() -> None:
    numbers = Numbers()
    numbers.begin("a7", 17)
    numbers.begin("a7", FIRST_INNER)
    assert numbers.of("a7") == FIRST_INNER
    numbers.end("a7", FIRST_INNER)
    assert numbers.of("a7") == 17


def test_an_end_that_nobody_knows_of_changes_nothing() -> None:
    numbers = Numbers()
    numbers.end("a7", 17)
    numbers.begin("a7", 17)
    numbers.end("a7", 18)
    assert numbers.of("a7") == 17


def test_requests_of_services_are_counted_apart_from_those_of_clients() -> None:
    numbers = Numbers()
    assert [numbers.inner() for _ in range(3)] == [FIRST_INNER + n for n in range(3)]
