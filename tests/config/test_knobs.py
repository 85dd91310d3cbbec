"""A field's one description serves the loader, a config built by hand, and the reference."""

import attrs
import pytest

from trio_lb.config.kinds import Refused, Text
from trio_lb.config.knobs import (
    SECONDS,
    ListOf,
    MapOf,
    Section,
    count,
    knob,
    knobs_of,
    maybe,
    section,
    spellings,
)
from trio_lb.model.errors import ConfigError


@attrs.frozen(slots=True, kw_only=True)
class Inner:
    wait: float = knob(1.0, SECONDS, "a wait", source="somebody", aliases=("pause",))


@attrs.frozen(slots=True, kw_only=True)
class Outer:
    unwritten: str = "x"
    most: int | None = knob(None, maybe(count()), "a cap")
    inner: Inner = section(Inner, "more", wait=2.0)


def test_a_field_knows_its_kind_its_meaning_and_its_source() -> None:
    (wait,) = knobs_of(Inner).values()
    assert (wait.shape, wait.says, wait.source) == (SECONDS, "a wait", "somebody")


def test_a_field_without_a_knob_is_not_for_writers() -> None:
    assert list(knobs_of(Outer)) == ["most", "inner"]


def test_every_spelling_leads_to_its_field() -> None:
    assert spellings(Inner) == {"wait": "wait", "pause": "wait"}


def test_a_section_s_default_may_differ_from_its_class_s() -> None:
    assert (Outer().inner.wait, Inner().wait) == (2.0, 1.0)


def test_a_config_built_by_hand_obeys_the_same_bounds() -> None:
    with pytest.raises(ConfigError, match=r"^Inner\.wait: 0 is not > 0 \(seconds\)$"):
        Inner(wait=0)
    with pytest.raises(ConfigError, match=r"^Outer\.inner: 5 is not a Inner$"):
        Outer(inner=5)  # type: ignore[arg-type]  # the mistake under test
    assert Outer(most=None, inner=Inner(wait=9)).inner.wait == 9


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (ListOf(count()), [1]),
        (ListOf(count()), (1, 0)),
        (MapOf(Text(), count()), (1,)),
        (MapOf(Text(), count()), {"a": 0}),
        (MapOf(Text(), count()), {1: 1}),
        (ListOf(Section(Inner)), (Outer(),)),
    ],
)
def test_a_collection_checks_its_form_and_each_member(shape: ListOf | MapOf, value: object) -> None:
    with pytest.raises(Refused):
        shape.check(value)
