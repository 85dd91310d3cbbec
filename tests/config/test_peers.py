"""What others call it leads to what it is called here, where that can stand."""

import pytest

from tests.config.support import told
from trio_lb.config.knobs import spellings
from trio_lb.config.peers import _OURS, called_here
from trio_lb.config.reference import SECTIONS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("load_balancer: {upstreams: []}", "load_balancer.upstreams: {}'servers' or 'pools'"),
        ("load_balancer: {frontends: []}", "load_balancer.frontends: {}'listeners'"),
        ("load_balancer: {balance: x}", "load_balancer.balance: {}'algorithm'"),
        (
            "load_balancer: {listeners: [{port: 80, upstream: api}]}",
            "load_balancer.listeners[0].upstream: {}'pool'",
        ),
        (
            "load_balancer: {servers: [{address: a, maxconn: 5}]}",
            "load_balancer.servers[0].maxconn: {}'max_connections'",
        ),
    ],
)
def test_a_word_of_another_load_balancer_is_told_what_it_is_called_here(
    text: str, said: str
) -> None:
    assert f"1 {said.format('unknown key; here it is ')}" in told(text)


def test_a_word_helps_only_where_ours_can_stand() -> None:
    assert called_here("upstream", ["weight"]) == ""
    assert called_here("Upstream", ["pools"]) == "; here it is 'pools'"
    assert called_here("nonsense", ["pools"]) == ""


def test_each_of_our_words_stands_somewhere() -> None:
    known = {key for cls in SECTIONS.values() for key in spellings(cls)}
    assert {ours for several in _OURS.values() for ours in several} <= known
