"""The words for faults: each can be imported from the package itself."""

import pytest

from trio_lb.sim import faults
from trio_lb.sim.faults import fluent


@pytest.mark.parametrize("name", faults.__all__)
def test_each_word_is_that_of_the_fluent_module(name: str) -> None:
    assert getattr(faults, name) is getattr(fluent, name)


def test_no_word_is_left_out() -> None:
    words = {name for name, each in vars(fluent).items() if isinstance(each, fluent.Word)}
    assert words | {"at", "during", "every", "random_of"} == set(faults.__all__)


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Crush'"):
        faults.Crush  # noqa: B018  # Looking it up is what is tried.
