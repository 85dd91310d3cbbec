"""Forms: keys and attributes, defaults that are not written, and what is refused."""

import math

import attrs
import pytest

from trio_lb.config.knobs import SECONDS, count
from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.form import (
    Bare,
    Form,
    OneOf,
    kind,
    list_of,
    nested,
    or_never,
    read_named,
    whole,
)
from trio_lb.sim.tagged import read_whole


@attrs.frozen
class Spring:
    """What a form may stand for."""

    strength: int
    pause_seconds: float = 1.0
    limit: float = math.inf


@attrs.frozen
class Clock:
    """Others inside of it."""

    springs: tuple[Spring, ...] = ()
    spare: Spring | None = None


@attrs.frozen
class Only:
    """One attribute."""

    spring: Spring


SPRING = Form(
    Spring,
    {
        "strength": whole("strength", count()),
        "pause": kind("pause_seconds", SECONDS),
        "limit": or_never("limit", SECONDS),
    },
    alone=True,
)
CLOCK = Form(
    Clock,
    {
        "springs": list_of("springs", nested("", SPRING)),
        "spare": nested("spare", SPRING, optional=True),
    },
)
EITHER = OneOf("thing", {"clock": CLOCK, "only": Bare(Only, nested("spring", SPRING))})


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"strength": 3}, Spring(3)),
        ({"strength": 3, "pause": "250ms", "limit": None}, Spring(3, 0.25)),
        ({"strength": 3, "limit": 5}, Spring(3, 1.0, 5.0)),
        (7, Spring(7)),
    ],
)
def test_a_form_reads_its_keys_and_the_first_alone(data: object, value: Spring) -> None:
    assert read_whole(data, "", SPRING.read) == value


@pytest.mark.parametrize(
    ("value", "data"),
    [(Spring(3), 3), (Spring(3, 0.25), {"strength": 3, "pause": 0.25})],
)
def test_what_is_as_by_default_is_not_written(value: Spring, data: object) -> None:
    assert SPRING.write(value) == data


@pytest.mark.parametrize(
    "value", [Clock(), Clock((Spring(1), Spring(2, 3.0)), Spring(4)), Only(Spring(5, limit=6.0))]
)
def test_what_is_written_is_read_as_the_same(value: object) -> None:
    assert read_whole(EITHER.write(value), "", EITHER.read) == value


WRONG = [
    ({"pause": 1}, "x: 'strength' is missing"),
    ({"strenght": 1}, "x.strenght: unknown key; did you mean 'strength'?"),
    ({"strength": 0}, "x.strength: 0 is not >= 1"),
    ("strong", "x: 'strong' is not a whole number"),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_what_is_wrong_is_told_with_its_place(data: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_whole(data, "x", SPRING.read)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"clok": {}}, "x.clok: unknown thing; did you mean 'clock'?"),
        ({"clock": {}, "only": 1}, "x: 2 keys where a thing has one: one of clock, only"),
        (5, "x: 5 is not a thing (one of clock, only, with its values)"),
        ({"only": {"strength": "x"}}, "x.only.strength: 'x' is not a whole number"),
    ],
)
def test_a_choice_of_forms_names_what_there_is(data: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_whole(data, "x", EITHER.read)
    assert message in str(caught.value)


def test_a_name_alone_is_enough_for_who_has_nothing_to_say() -> None:
    assert read_whole("clock", "", EITHER.read) == Clock()


def test_all_that_is_wrong_in_a_mapping_by_names_is_told() -> None:
    with pytest.raises(ConfigError) as caught:
        read_named({"a": 0, "b": 1, "c": "x"}, "springs", SPRING, "springs")
    assert [problem.path for problem in caught.value.problems] == ["springs.a", "springs.c"]
