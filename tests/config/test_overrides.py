"""``--set path=value``: above the file, with the same bounds, and named when it is wrong."""

import pytest

from tests.config.support import AROUND, examined, told
from trio_lb.config.nodes import Findings
from trio_lb.config.overrides import apply_overrides

FILE = """\
load_balancer:
  listeners: [{port: 80}]
  health_check: false
  servers: [{address: 10.0.0.1:80, weight: 2}]
  timeouts: {connect: 1s}
"""


def put(document: object, *overrides: str) -> tuple[object, list[str]]:
    findings = Findings()
    value = apply_overrides(document, overrides, findings)
    return value, [str(each) for each in findings.problems]


def test_a_value_is_replaced_or_added_and_the_original_kept() -> None:
    document = {"load_balancer": {"timeouts": {"connect": 1}}}
    value, problems = put(document, "timeouts.connect=5s", "load_balancer.limits.head_size=1k")
    assert value == {
        "load_balancer": {"timeouts": {"connect": "5s"}, "limits": {"head_size": "1k"}}
    }
    assert problems == []
    assert document == {"load_balancer": {"timeouts": {"connect": 1}}}


def test_the_path_fits_either_shape_of_a_document() -> None:
    assert put({"servers": []}, "load_balancer.name=x")[0] == {"servers": [], "name": "x"}
    assert put({"servers": []}, "name=x")[0] == {"servers": [], "name": "x"}
    assert put({}, "name=x")[0] == {"load_balancer": {"name": "x"}}
    assert put({"logging": {}}, "logging.level=debug")[0] == {"logging": {"level": "debug"}}


def test_an_item_of_a_list_is_replaced_and_one_past_the_end_appended() -> None:
    value, problems = put(
        {"servers": ["a:1"]}, "servers[0]=b:1", "servers[1]=c:1", "servers[3]=d:1"
    )
    assert value == {"servers": ["b:1", "c:1"]}
    assert problems == ["--set servers[3]=d:1 [3] does not exist: there are 2 items"]


def test_a_list_or_mapping_is_written_in_flow_form() -> None:
    assert put({"servers": []}, "servers=[a:1, {address: b:1}]")[0] == {
        "servers": ["a:1", {"address": "b:1"}]
    }


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("timeouts.connect", "is not of the form path.to.key=value"),
        ("=5", "is not of the form path.to.key=value"),
        ("a..b=5", "is not of the form path.to.key=value"),
        ("a[x]=5", "is not of the form path.to.key=value"),
        ("servers=[1", "is not YAML"),
        ("timeouts.connect.x=5", "'x' would be inside of what is no mapping"),
    ],
)
def test_a_bad_override_is_named(override: str, message: str) -> None:
    _, (problem,) = put({"load_balancer": {"timeouts": {"connect": "1s"}}}, override)
    assert problem.startswith(f"--set {override} ")
    assert message in problem


def test_text_from_the_command_line_is_what_the_field_makes_of_it() -> None:
    overrides = ["timeouts.connect=2.5", "servers[0].weight=7", "health_check=true", "name=80"]
    config = examined(FILE, overrides=overrides).unwrap()
    pool = config.pools["default"]
    assert (config.timeouts.connect, config.name) == (2.5, "80")
    assert (pool.servers[0].weight, pool.health_check.enabled) == (7, True)


def test_a_bad_value_is_told_with_the_option_not_a_line() -> None:
    overrides = ["timeouts.connect=-5", "timeuots.idle=1s"]
    assert told(FILE, overrides=overrides) == [
        "--set timeuots.idle=1s load_balancer.timeuots: unknown key; did you mean 'timeouts'?",
        "--set timeouts.connect=-5 load_balancer.timeouts.connect: '-5' is not > 0 (seconds)",
    ]


def test_the_last_of_two_overrides_counts() -> None:
    config = examined(AROUND, overrides=["name=a", "name=b"]).unwrap()
    assert config.name == "b"
