"""Errors name who erred, and configuration problems say where."""

import pytest

from trio_lb.model.errors import (
    AmbiguousServer,
    ConfigError,
    IllegalTransition,
    Problem,
    TrioLbError,
    UnknownServer,
)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem("pools.api.timeout", "-5 is not > 0", file="lb.yaml", line=14),
            "lb.yaml:14 pools.api.timeout: -5 is not > 0",
        ),
        (Problem("", "is empty", file="lb.yaml"), "lb.yaml is empty"),
        (Problem("name", "is odd", severity="warning"), "warning: name: is odd"),
    ],
)
def test_a_problem_says_where_what_and_how_bad(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_config_error_lists_every_problem() -> None:
    problems = [Problem("a", "one"), Problem("b", "two")]
    error = ConfigError(problems)
    assert str(error) == "a: one\nb: two"
    assert error.problems == tuple(problems)


def test_a_config_error_can_be_one_sentence() -> None:
    error = ConfigError("there is no pool")
    assert str(error) == "there is no pool"
    assert error.problems == (Problem("", "there is no pool"),)


@pytest.mark.parametrize(
    ("ours", "builtin"),
    [(ConfigError, ValueError), (UnknownServer, LookupError), (AmbiguousServer, LookupError)],
)
def test_errors_are_caught_by_our_root_and_by_python_s(
    ours: type[TrioLbError], builtin: type[Exception]
) -> None:
    assert issubclass(ours, TrioLbError)
    assert issubclass(ours, builtin)


def test_an_illegal_transition_is_no_users_mistake() -> None:
    assert not issubclass(IllegalTransition, (ValueError, LookupError))
