"""TOML, with lines as well as they can be had."""

from hypothesis import given
from hypothesis import strategies as st

from trio_lb.config.nodes import Findings
from trio_lb.config.toml_source import read_toml

TEXT = """\
[load_balancer]
name = "x"
timeouts.connect = "3s"

[[load_balancer.servers]]
address = "10.0.0.1:80"
[load_balancer.servers.metadata]
rack = 7

[[load_balancer.servers]]
address = "10.0.0.2:80"   # the second

[load_balancer.pools."a b"]
servers = [
  "10.0.0.3:80",
]
limits = {head_size = 1}
"""


def test_tables_keys_and_array_items_know_their_lines() -> None:
    findings = Findings()
    value = read_toml(TEXT, "f.toml", findings)
    assert isinstance(value, dict)
    assert value["load_balancer"]["servers"][1] == {"address": "10.0.0.2:80"}
    balancer = ("load_balancer",)
    assert {
        path: findings.origin((*balancer, *path)).line
        for path in (
            (),
            ("name",),
            ("timeouts",),
            ("timeouts", "connect"),
            ("servers", 0, "address"),
            ("servers", 0, "metadata", "rack"),
            ("servers", 1),
            ("servers", 1, "address"),
            ("pools", "a b", "servers", 0),
            ("pools", "a b", "limits", "head_size"),
        )
    } == {
        (): 1,
        ("name",): 2,
        ("timeouts",): 3,
        ("timeouts", "connect"): 3,
        ("servers", 0, "address"): 6,
        ("servers", 0, "metadata", "rack"): 8,
        ("servers", 1): 10,
        ("servers", 1, "address"): 11,
        ("pools", "a b", "servers", 0): 14,
        ("pools", "a b", "limits", "head_size"): 17,
    }


def test_an_array_inside_of_an_array_s_item_starts_anew() -> None:
    findings = Findings()
    read_toml("[[a]]\n[[a.b]]\n[[a.b]]\n[[a]]\n[[a.b]]\nx = 1\n", "f", findings)
    assert findings.origin(("a", 0, "b", 1)).line == 3
    assert findings.origin(("a", 1, "b", 0, "x")).line == 6


def test_a_mistake_in_the_text_is_told_by_line() -> None:
    findings = Findings()
    assert read_toml("a = 1\nb = \n", "f", findings) is None
    assert [str(each) for each in findings.problems] == ["f:2 is not TOML: Invalid value"]


def test_a_key_given_twice_is_refused() -> None:
    findings = Findings()
    assert read_toml("a = 1\na = 2\n", "f", findings) is None
    assert "Cannot overwrite a value" in str(findings.problems[0])


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    findings = Findings()
    value = read_toml(text, "f", findings)
    assert (value is None) == findings.has_errors
