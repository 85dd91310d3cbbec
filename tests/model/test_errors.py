"""Errors: their texts are read by people, their facts by programs."""

import pytest

from trio_lb.model.errors import (
    AmbiguousServer,
    ConfigError,
    DownstreamError,
    IllegalTransition,
    NoServerAvailable,
    Problem,
    TrioLbError,
    UnknownServer,
    UpstreamError,
)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("pools.api", "empty"), "pools.api: empty"),
        (Problem("", "no listener"), "no listener"),
        (Problem("a.b", "-5 is not > 0", "lb.yaml", 14), "lb.yaml:14 a.b: -5 is not > 0"),
        (Problem("a.b", "unknown", "lb.yaml"), "lb.yaml a.b: unknown"),
        (Problem("a.b", "unknown", line=14), "a.b: unknown"),
        (Problem("", "not YAML", "lb.yaml", 3), "lb.yaml:3 not YAML"),
        (Problem("a", "unused", severity="warning"), "warning: a: unused"),
        (Problem("a", "unused", "lb.yaml", 2, "warning"), "lb.yaml:2 warning: a: unused"),
    ],
)
def test_a_problem_says_where_and_what(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_configuration_error_lists_every_problem_on_a_line_of_its_own() -> None:
    problems = [Problem("a", "too big", "lb.yaml", 1), Problem("b", "unknown", "lb.yaml", 7)]
    error = ConfigError(problems)
    assert str(error) == "lb.yaml:1 a: too big\nlb.yaml:7 b: unknown"
    assert error.problems == tuple(problems)


def test_a_configuration_error_of_one_sentence_is_that_sentence() -> None:
    error = ConfigError("weight: 0 is not > 0")
    assert str(error) == "weight: 0 is not > 0"
    assert error.problems == (Problem("", "weight: 0 is not > 0"),)


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (IllegalTransition, ()),
        (ConfigError, (ValueError,)),
        (UnknownServer, (LookupError,)),
        (AmbiguousServer, (LookupError,)),
        (NoServerAvailable, ()),
        (DownstreamError, ()),
        (UpstreamError, ()),
    ],
)
def test_one_except_clause_catches_them_all_and_python_s_own_name_each(
    kind: type[Exception], parents: tuple[type[Exception], ...]
) -> None:
    assert issubclass(kind, TrioLbError)
    assert all(issubclass(kind, parent) for parent in parents)


def test_who_erred_is_told_apart() -> None:
    assert not issubclass(DownstreamError, UpstreamError)
    assert not issubclass(UpstreamError, DownstreamError)


def test_an_illegal_transition_is_no_user_s_mistake() -> None:
    assert not issubclass(IllegalTransition, (ValueError, LookupError))
