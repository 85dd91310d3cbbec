"""What this version can't do yet: told apart from mistakes, and silent when switched off."""

import pytest

from tests.config.support import node_of, said, told
from trio_lb.config.knobs import spellings
from trio_lb.config.later import LATER, later_keys, refuse_later
from trio_lb.config.nodes import Unsupported
from trio_lb.config.schema import Config, ServerConfig


@pytest.mark.parametrize(
    "value", [None, False, {}, [], {"enabled": False}, {"enabled": False, "type": "cookie"}]
)
def test_switching_off_what_does_not_exist_asks_for_nothing(value: object) -> None:
    root = node_of({"sticky_sessions": value, "rate_limit": value})
    refuse_later(root, later_keys(Config))
    assert said(root) == []


@pytest.mark.parametrize("value", [True, "cookie", {"type": "cookie"}, {"enabled": True}, 0, 5])
def test_asking_for_it_is_refused_by_name(value: object) -> None:
    root = node_of({"sticky_sessions": value})
    refuse_later(root, later_keys(Config))
    assert said(root) == ["sticky_sessions: not supported in this version"]
    assert type(root.findings.problems[0]) is Unsupported


def test_an_off_that_would_have_to_be_obeyed_is_refused_too() -> None:
    server = node_of({"circuit_breaker": False})
    refuse_later(server, later_keys(ServerConfig))
    assert said(server) == ["circuit_breaker: not supported in this version"]


def test_no_key_is_both_there_and_not_yet() -> None:
    assert [cls for cls, keys in LATER.items() if keys & set(spellings(cls))] == []


def test_a_key_beside_load_balancer_is_told_where_it_belongs() -> None:
    assert "2 servers: unknown key here; it belongs inside load_balancer" in told(
        "load_balancer: {}\nservers: []\n"
    )
