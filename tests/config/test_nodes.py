"""Places: paths as text, lines of the nearest parent, one list of problems."""

import pytest

from trio_lb.config.nodes import Findings, Node, Origin, Path, Unsupported, dotted


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("pools", "api", "servers", 0, "port"), "pools.api.servers[0].port"),
        (("pools", "my-pool"), "pools.my-pool"),
        (("pools", "a.b", "x"), "pools['a.b'].x"),
        ((0, 1), "[0][1]"),
    ],
)
def test_a_path_reads_as_people_write_it(path: Path, text: str) -> None:
    assert dotted(path) == text


def test_a_value_without_a_line_has_that_of_its_nearest_parent() -> None:
    findings = Findings({(): Origin("f"), ("a",): Origin("f", 3)})
    findings.add(("a", "b", 0), "x")
    findings.add(("c",), "y")
    assert [str(each) for each in findings.problems] == ["f c: y", "f:3 a.b[0]: x"]


def test_problems_come_by_line_and_each_of_them_once() -> None:
    findings = Findings({("a",): Origin("f", 9), ("b",): Origin("f", 2)})
    for path in (("a",), ("b",), ("a",)):
        findings.add(path, "x")
    assert [(each.path, each.line) for each in findings.problems] == [("b", 2), ("a", 9)]


def test_only_errors_forbid_a_start() -> None:
    node = Node({}, ("a",), Findings())
    node.warn("hm")
    assert not node.findings.has_errors
    node.not_yet()
    assert node.findings.has_errors
    assert [type(each) is Unsupported for each in node.findings.problems] == [False, True]


def test_nothing_more_is_said_of_a_value_that_was_given_up() -> None:
    findings = Findings()
    Node(None, ("a", "b"), findings).give_up("gone")
    Node(None, ("a", "b", "c"), findings).refuse("and so")
    Node(None, ("a",), findings).refuse("other")
    assert [str(each) for each in findings.problems] == ["a.b: gone", "a: other"]


def test_what_is_no_mapping_or_list_is_refused_and_empty() -> None:
    findings = Findings()
    assert Node(5, ("a",), findings).mapping() == {}
    assert Node("text", ("b",), findings).items() == []
    assert Node({1: 2}, ("c",), findings).mapping() == {}
    assert [str(each) for each in findings.problems] == [
        "a: 5 is not a mapping",
        "b: 'text' is not a list",
        "c: the key 1 is not text (put it in quotes)",
    ]


def test_an_unknown_key_is_compared_with_the_known_ones() -> None:
    node = Node(
        {"wieght": 1, "zzz": 2, "servers": 3, "slow_strat": 4, "zone": 5, "slow_start": 6},
        (),
        Findings(),
    )
    words = {"servers": "it belongs elsewhere"}
    node.refuse_unknown(["weight", "zone"], later=["slow_start"], elsewhere=words)
    assert [str(each) for each in node.findings.problems] == [
        "wieght: unknown key; did you mean 'weight'?",
        "zzz: unknown key; known here: weight, zone",
        "servers: unknown key here; it belongs elsewhere",
        "slow_strat: unknown key; did you mean 'slow_start'?",
    ]


def test_in_place_of_a_long_list_of_known_keys_stands_the_page_that_has_it() -> None:
    node = Node({"zzz": 2}, (), Findings())
    node.refuse_unknown([f"k{number}" for number in range(17)])
    assert [each.message for each in node.findings.problems] == [
        "unknown key; docs/reference/configuration.md lists what is known here"
    ]


def test_a_key_that_there_is_is_nearer_than_one_to_come() -> None:
    node = Node({"matrics": 1, "metricss": 2}, (), Findings())
    node.refuse_unknown(["matrix"], later=["metrics"])
    assert [each.message for each in node.findings.problems] == [
        "unknown key; did you mean 'matrix'?",
        "unknown key; did you mean 'metrics'?",
    ]
