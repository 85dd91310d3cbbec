"""The walk over the schema: every problem at once, nothing guessed, nothing lost."""

import pytest

from tests.config.support import node_of, said
from trio_lb.config.kinds import Text
from trio_lb.config.knobs import ListOf, MapOf, OptionalSection, count
from trio_lb.config.schema import (
    AccessLogConfig,
    BudgetConfig,
    HealthCheckConfig,
    LoggingConfig,
    OutlierConfig,
    ProbeConfig,
    RetryConfig,
    TimeoutsConfig,
    UpstreamTls,
)
from trio_lb.config.structure import read_section, read_value
from trio_lb.config.values import Loose

OFF = HealthCheckConfig(enabled=False, interval=7.0)


def test_a_section_keeps_what_it_does_not_say() -> None:
    node = node_of({"connect": "1s"})
    before = TimeoutsConfig(idle=9.0)
    assert read_section(node, before) == TimeoutsConfig(idle=9.0, connect=1.0)
    assert said(node) == []


@pytest.mark.parametrize(
    ("written", "enabled"),
    [
        (True, True),
        (False, False),
        (Loose("true"), True),
        ({}, True),
        ({"path": "/x"}, True),
        ({"enabled": False, "path": "/x"}, False),
        (None, False),
    ],
)
def test_writing_a_section_turns_it_on(written: object, enabled: bool) -> None:
    made = read_section(node_of(written), OFF)
    assert (made.enabled, made.interval) == (enabled, 7.0)


def test_an_empty_section_says_nothing() -> None:
    assert read_section(node_of(None), OutlierConfig()) == OutlierConfig()


def test_all_that_is_wrong_is_told_and_the_rest_is_read() -> None:
    node = node_of({"interval": 0, "paht": "/", "rise": 0, "fall": 9, "type": "udp"})
    assert read_section(node, OFF) == HealthCheckConfig(interval=7.0, unhealthy_threshold=9)
    assert said(node) == [
        "paht: unknown key; did you mean 'path'?",
        "interval: 0 is not > 0 (seconds)",
        "rise: 0 is not >= 1",
        "type: 'udp' is no type of probe; allowed: http, tcp, websocket, custom",
    ]


def test_two_names_of_one_field_are_a_contradiction() -> None:
    node = node_of({"rise": 1, "healthy_threshold": 2})
    read_section(node, OFF)
    assert said(node) == ["healthy_threshold: given twice: 'rise' means the same"]


def test_a_section_inside_of_a_section_is_read_over_its_own_default() -> None:
    before = RetryConfig(budget=BudgetConfig(window=5.0))
    assert read_section(node_of({"budget": False}), before).budget == BudgetConfig(
        enabled=False, window=5.0
    )
    assert read_section(node_of({"budget": {"fraction": 1}}), before).budget == BudgetConfig(
        fraction=1.0, window=5.0
    )


@pytest.mark.parametrize("value", [5, "x", [], True])
def test_a_section_is_a_mapping(value: object) -> None:
    node = node_of({"timeouts": value}).mapping()["timeouts"]
    assert read_section(node, TimeoutsConfig()) == TimeoutsConfig()
    assert "is not a mapping" in said(node)[0]


def test_a_section_with_a_switch_may_be_plainly_true_or_false_and_nothing_else() -> None:
    node = node_of({"health_check": "yes"}).mapping()["health_check"]
    assert read_section(node, OFF) == OFF
    assert said(node) == ["health_check: 'yes' is not true, false or a mapping"]


def test_an_empty_item_of_a_list_of_sections_is_a_slip() -> None:
    node = node_of({"probes": [None, {"port": 9}]})
    assert read_section(node, OFF).probes == (ProbeConfig(port=9),)
    assert said(node) == ["probes[0]: null is not a mapping"]


@pytest.mark.parametrize("off", [None, False, Loose("false"), Loose("")])
def test_a_section_that_may_be_missing_is_left_out_by_null_or_false(off: object) -> None:
    node = node_of(off)
    assert read_value(node, OptionalSection(TimeoutsConfig), TimeoutsConfig()) is None
    assert said(node) == []


def test_a_section_that_may_be_missing_is_turned_off_where_it_has_a_switch() -> None:
    read = read_value(node_of(False), OptionalSection(UpstreamTls), UpstreamTls(ca="/ca.pem"))
    assert read == UpstreamTls(ca="/ca.pem", enabled=False)


def test_a_log_that_is_given_a_file_is_written_in_the_usual_form() -> None:
    access = read_section(node_of({"access": {"file": "/a.log"}}), LoggingConfig()).access
    assert access == AccessLogConfig(format="combined", file="/a.log")
    quiet = read_section(node_of({"file": "/a.log", "format": "off"}), AccessLogConfig())
    assert quiet.format == "off"


def test_a_list_keeps_its_good_items_and_tells_the_others_by_index() -> None:
    node = node_of([1, 0, "x", 4])
    assert read_value(node, ListOf(count())) == (1, 4)
    assert said(node) == ["[1]: 0 is not >= 1", "[2]: 'x' is not a whole number"]


def test_a_mapping_checks_its_keys_too() -> None:
    node = node_of({"a": 1, "B": 1, "c": 0})
    assert read_value(node, MapOf(Text("a small word", "[a-z]+"), count())) == {"a": 1}
    assert said(node) == ["B: the key 'B' is not a small word", "c: 0 is not >= 1"]
