"""Algorithms are found by any of their spellings, and never replaced in silence."""

import pytest

from trio_lb.model.errors import ConfigError
from trio_lb.policy.balance.registry import ALGORITHMS, canonical_name, make_balancer


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_listed_name_makes_a_balancer_of_that_name(name: str) -> None:
    assert make_balancer(name).name == name


def test_the_list_holds_the_six_of_them() -> None:
    assert ALGORITHMS == (
        "round_robin",
        "weighted_round_robin",
        "random",
        "weighted_random",
        "least_connections",
        "power_of_two",
    )


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("round-robin", "round_robin"),
        ("least-connections", "least_connections"),
        ("leastConnections", "least_connections"),
        ("weighted-round-robin", "weighted_round_robin"),
        ("RoundRobin", "round_robin"),
        ("ROUND_ROBIN", "round_robin"),
        ("weighted", "weighted_random"),
        (" random ", "random"),
    ],
)
def test_other_spellings_are_accepted(spelling: str, name: str) -> None:
    assert canonical_name(spelling) == name


def test_a_misspelt_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(
        ConfigError, match=r"'round_robbin' is unknown; did you mean 'round_robin'\?"
    ):
        make_balancer("round_robbin")


@pytest.mark.parametrize("name", ["", "xyz"])
def test_a_name_like_no_other_is_answered_with_the_list(name: str) -> None:
    with pytest.raises(ValueError, match=r"known are round_robin, weighted_round_robin, random"):
        make_balancer(name)


def test_each_pool_gets_a_position_of_its_own() -> None:
    assert make_balancer("round_robin") is not make_balancer("round_robin")
