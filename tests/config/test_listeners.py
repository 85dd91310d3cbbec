"""Listeners: where they bind, and what is wrong with them."""

import pytest

from tests.config.support import node_of, said
from trio_lb.config.listeners import read_listeners
from trio_lb.config.schema import ListenerConfig
from trio_lb.model.address import Address


def read(written: object) -> tuple[list[ListenerConfig], list[str]]:
    root = node_of({"listeners": [written]})
    listeners = read_listeners(root.mapping()["listeners"])
    return [listener for _, listener in listeners], said(root)


@pytest.mark.parametrize(
    ("written", "bind"),
    [
        ({"port": 80}, Address("0.0.0.0", 80)),
        ({"port": 0}, Address("0.0.0.0", 0)),
        ({"host": "127.0.0.1", "port": 80}, Address("127.0.0.1", 80)),
        ({"host": "::", "port": 80}, Address("::", 80)),
        ({"bind": "[::]:80"}, Address("::", 80)),
        ({"bind": ":80", "ssl": False, "proxy_protocol": False}, Address("0.0.0.0", 80)),
        ({"bind": "unix:/run/lb.sock"}, Address("unix:/run/lb.sock", 0)),
        ({}, Address("127.0.0.1", 8000)),
    ],
)
def test_a_listener_binds_where_it_says(written: object, bind: Address) -> None:
    assert read(written) == ([ListenerConfig(bind=bind)], [])


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"port": 70000}, "listeners[0].port: 70000 is not in 1..65535 (0 = any free)"),
        ({"bind": "h:70000"}, "listeners[0].bind: 'h:70000' has the port 70000"),
        ({"bind": 80}, "listeners[0].bind: 80 is not an address"),
        ({"bind": "h:80", "port": 80}, "listeners[0].port: given twice: 'bind' has it already"),
        ({"host": "h"}, "listeners[0].host: no port beside it"),
        ({"host": "10.0.0.300", "port": 80}, "listeners[0].host: '10.0.0.300' has the host"),
        ({"port": 80, "rate_limit": {"limit": 1}}, "listeners[0].rate_limit: not supported in"),
        ({"port": 80, "protocol": "udp"}, "listeners[0].protocol: 'udp' is no protocol; allowed"),
        ({"port": 80, "protocl": "http"}, "listeners[0].protocl: unknown key; did you mean 'prot"),
        (80, "listeners[0]: 80 is not a mapping"),
    ],
)
def test_what_is_wrong_with_a_listener_is_told(written: object, message: str) -> None:
    _, (told,) = read(written)
    assert told.startswith(message)


def test_listeners_are_a_list() -> None:
    root = node_of({"listeners": {"port": 80}})
    assert read_listeners(root.mapping()["listeners"]) == []
    assert "listeners: a mapping is not a list of listeners" in said(root)
