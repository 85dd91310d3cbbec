"""The page on who takes part: its tables are those of the code, its examples run."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
import yaml

from trio_lb.sim.actors.form import Key
from trio_lb.sim.actors.policy import ClientPolicy
from trio_lb.sim.actors.server import ServerSettings
from trio_lb.sim.actors.websocket import WebSocketPolicy
from trio_lb.sim.actors.written import (
    POLICY,
    SETTINGS,
    TALK,
    read_clients,
    read_servers,
    read_websockets,
)

PAGE: Final = (Path(__file__).parents[3] / "docs" / "simulation" / "actors.md").read_text("utf-8")


def rows_of(heading: str) -> dict[str, str]:
    """The settings of a section's table, each with its default."""
    _, _, section = PAGE.partition(f"\n## {heading}\n")
    section, _, _ = section.partition("\n## ")
    return dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", section, re.MULTILINE))


@pytest.mark.parametrize(
    ("heading", "cls", "keys"),
    [
        ("Servers", ServerSettings, SETTINGS),
        ("Clients", ClientPolicy, POLICY.keys),
        ("WebSocket clients", WebSocketPolicy, TALK.keys),
    ],
)
def test_the_tables_hold_every_setting_with_its_default(
    heading: str, cls: type[Any], keys: Mapping[str, Key]
) -> None:
    defaults = {each.name: each.default for each in attrs.fields(cls)}
    written = {key: json.dumps(each.write(defaults[each.attribute])) for key, each in keys.items()}
    assert rows_of(heading) == written
    assert {each.attribute for each in keys.values()} == {*defaults}


def test_the_example_in_python_runs_and_all_its_checks_hold() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["result"].ok
    assert names["result"].happenings > 5000


def test_the_example_in_yaml_is_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    data = yaml.safe_load(example)
    servers, clients = read_servers(data["servers"]), read_clients(data["clients"])
    crowds = read_websockets(data["websockets"])
    assert [*servers, *clients, *crowds] == ["s1", "s2", "web", "slow", "chat"]
    assert crowds["chat"].count == 500
    assert servers["s1"].settings.queue == 64
    assert clients["web"].policy == ClientPolicy(timeout=1.0, retries=3)
