"""The reference is made from the schema, and is the page that is checked in."""

import re
from pathlib import Path

import pytest

from trio_lb.config.knobs import knobs_of
from trio_lb.config.load import examine_text
from trio_lb.config.reference import SECTIONS, render

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "configuration.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == render(), (
        "run: python -m trio_lb.config.reference > docs/reference/configuration.md"
    )


def test_every_key_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)`", render(), re.MULTILINE)
    assert rows == [name for cls in SECTIONS.values() for name in knobs_of(cls)]


@pytest.mark.parametrize(
    "row",
    [
        "| `connect` | `3s` | a duration, > 0 | to connect to a server, TLS",
        "| `head_size` | `32KiB` | a size, >= 1024 |",
        "| `healthy_threshold` / `rise` | `2` | a whole number, >= 1 |",
        "| `response` | `null` | a duration, > 0; or null |",
        "| `fraction` | `0.2` | a fraction, in [0, 1] |",
        "| `id` / `name` |  |",
    ],
)
def test_a_row_says_default_bounds_and_source(row: str) -> None:
    assert row in render()


def examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", render(), re.DOTALL)


def test_the_page_s_first_example_is_good() -> None:
    examined = examine_text(examples()[0], name="example.yaml", environ={})
    assert examined.problems == ()
    assert examined.unwrap().pools["api"].retry.max_retries == 1


def test_the_page_s_second_example_misses_nothing_but_its_files() -> None:
    _, example = examples()
    examined = examine_text(example, name="example.yaml", environ={})
    told = [each.message for each in examined.problems]
    assert len(told) == 4
    assert all("cannot be read here" in each for each in told)
    config = examined.unwrap()
    first, second, spare = config.pools["default"].servers
    assert [each.tls and (each.tls.enabled, each.tls.ca) for each in (first, second, spare)] == [
        (True, "tls/internal-ca.pem"),
        (True, "tls/internal-ca.pem"),
        None,
    ]
    assert [each.protocol for each in config.listeners] == ["http", "https", "tcp"]
