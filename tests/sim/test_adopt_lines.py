"""What can't be adopted is told with its line."""

from pathlib import Path

import pytest

from trio_lb.config.load import load_file
from trio_lb.config.schema import PoolConfig
from trio_lb.model.errors import ConfigError
from trio_lb.sim.adopt import adopt, refuse_idle

FILE = """\
load_balancer:
  listeners:
    - {port: 80}
    - bind: unix:/run/lb
  pools:
    api:
      servers:
        - 10.0.0.1:80
        - address: unix:/run/api
          id: socket
  servers:
    - 10.0.0.2:80
    - unix:/run/default
"""
FLAT = """\
listeners: [{port: 80}]

backends:
  - id: s1
    address: unix:/run/s1
"""
TOML = """\
[[load_balancer.servers]]
address = "unix:/run/s1"
"""


def refused(path: Path) -> list[tuple[int | None, str]]:
    with pytest.raises(ConfigError) as caught:
        adopt(load_file(path), "10.0.0.9", source=str(path))
    assert {each.file for each in caught.value.problems} == {str(path)}
    return [(each.line, each.path) for each in caught.value.problems]


def test_each_problem_has_the_line_of_its_key_or_of_what_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lb.yaml"
    path.write_text(FILE)
    assert sorted(refused(path), key=str) == [
        (13, "load_balancer.servers[1]"),
        (4, "load_balancer.listeners[1].bind"),
        (9, "load_balancer.pools.api.servers[1].address"),
    ]


def test_a_flat_file_and_other_names_are_known(tmp_path: Path) -> None:
    path = tmp_path / "lb.yaml"
    path.write_text(FLAT)
    assert refused(path) == [(5, "backends[0].address")]


@pytest.mark.parametrize(
    ("text", "line", "path", "why"),
    [
        ("servers: []\nlisteners: [{port: 80}]\n", 1, "servers", "it has no servers"),
        ("load_balancer: {listeners: [{port: 80}]}\n", None, "servers", "it has no servers"),
        (
            "load_balancer:\n  servers:\n    - {address: 'h:1', disabled: true}\n",
            2,
            "load_balancer.servers",
            "each of its servers is disabled",
        ),
    ],
)
def test_a_plan_in_which_nobody_serves_is_refused(
    text: str, line: int | None, path: str, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "lb.yaml"
    file.write_text(text)
    plan = load_file(file)
    with pytest.raises(ConfigError) as caught:
        refuse_idle(plan, plan.pools.get("default", PoolConfig(name="default")), str(file))
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (line, path)
    assert f"clients come: {why}, so that every request would be answered 503" in problem.message


def test_without_lines_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lb.toml"
    path.write_text(TOML)
    assert refused(path) == [(None, "load_balancer.servers[0].address")]
