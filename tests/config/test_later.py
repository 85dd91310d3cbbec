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


@pytest.mark.parametrize(
    "key",
    [
        "http2", "admin", "metrics", "prometheus", "dashboard", "sticky", "sticky_sessions",
        "session_affinity", "routes", "routing", "rules", "rate_limit", "rate_limits", "queue",
        "queues", "workers", "processes", "dns", "resolvers", "discovery", "service_discovery",
    ],
)  # fmt: skip
def test_all_that_the_readme_calls_not_yet_is_refused_as_that_whatever_one_writes(key: str) -> None:
    assert f"1 load_balancer.{key}: not supported in this version" in told(
        f"load_balancer: {{{key}: true}}"
    )


@pytest.mark.parametrize("key", ["metrics", "dashboard", "workers", "http2", "dns", "admin"])
def test_what_would_be_the_whole_program_s_is_refused_beside_load_balancer_too(key: str) -> None:
    assert f"2 {key}: not supported in this version" in told(
        f"load_balancer: {{servers: [a]}}\n{key}: {{port: 1}}"
    )


@pytest.mark.parametrize("protocol", ["http2", "HTTP/2", "h2"])
def test_a_protocol_that_is_not_spoken_yet_is_refused_as_that(protocol: str) -> None:
    (said,) = told(f"load_balancer: {{listeners: [{{port: 1, protocol: {protocol}}}]}}")[:1]
    assert "listeners[0].protocol: " in said
    assert "not supported in this version" in said


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
