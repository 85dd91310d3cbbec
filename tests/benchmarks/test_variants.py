"""Code that is changed for a measurement, and changed back."""

import pytest

from benchmarks.variants import LOOKS, Edit, Variant, edited
from trio_lb.state.server import Server


class Greeter:
    """Something to edit."""

    def greet(self) -> str:
        return "hello"


def test_an_edit_holds_for_its_block_and_not_longer() -> None:
    variant = Variant("other", edits=[Edit(Greeter, "greet", '"hello"', '"goodbye"')])
    original = Greeter.greet
    with variant.patches():
        assert Greeter().greet() == "goodbye"
    assert Greeter.greet is original
    assert Greeter().greet() == "hello"


def test_a_look_that_is_not_there_any_more_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"Greeter.greet does not say 'howdy' any more"):
        edited(Greeter.greet, [("howdy", "hello")])


def test_two_edits_of_one_method_are_made_together() -> None:
    edits = [Edit(Greeter, "greet", '"hel', '"je'), Edit(Greeter, "greet", 'lo"', 'lly"')]
    with Variant("both", edits=edits).patches():
        assert Greeter().greet() == "jelly"


def test_the_product_is_as_it_was_after_every_variant() -> None:
    original = Server.lease
    for variant in LOOKS:
        with variant.patches():
            assert all(vars(e.owner)[e.name].__name__ == e.name for e in variant.edits)
    assert Server.lease is original
