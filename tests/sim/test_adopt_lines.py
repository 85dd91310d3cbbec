"""What can't be adopted is told with its line."""

from pathlib import Path

import pytest

from trio_lb.config.load import load_file
from trio_lb.model.errors import ConfigError
from trio_lb.sim.adopt import adopt

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
        (13, "pools.default.servers.unix:/run/default.address"),
        (4, "listeners[1].bind"),
        (9, "pools.api.servers.socket.address"),
    ]


def test_a_flat_file_and_other_names_are_known(tmp_path: Path) -> None:
    path = tmp_path / "lb.yaml"
    path.write_text(FLAT)
    assert refused(path) == [(5, "pools.default.servers.s1.address")]


def test_without_lines_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lb.toml"
    path.write_text(TOML)
    assert refused(path) == [(None, "pools.default.servers.unix:/run/s1.address")]
