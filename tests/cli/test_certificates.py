"""Certificates that a configuration names: what is here and no good is found by ``check``."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.net.identities import issued, write, write_ca
from trio_lb.cli.certificates import certificate_problems, needed
from trio_lb.cli.main import main
from trio_lb.config.load import examine_text, load_mapping


def told(**balancer: Any) -> list[str]:
    config = load_mapping({"servers": ["10.0.0.1:80"], "health_check": False, **balancer})
    return list(map(str, certificate_problems(config)))


def https(**ssl: Any) -> dict[str, Any]:
    return {"listeners": [{"port": 80}, {"protocol": "https", "port": 443, "ssl": ssl}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for stem in ("a", "b"):
        write(tmp_path, stem, issued(f"{stem}.test"))
    (tmp_path / "nonsense.pem").write_text("nonsense\n")
    (tmp_path / "empty.pem").touch()
    write_ca(tmp_path)
    return tmp_path


def pair(folder: Path, certificate: str, private_key: str) -> dict[str, str]:
    return {
        "certificate": str(folder / certificate),
        "private_key": str(folder / private_key),
    }


def test_a_good_pair_and_a_good_ca_are_nothing_to_speak_of(folder: Path) -> None:
    ca = str(folder / "house-ca.pem")
    tls = {"ca": ca, "server_name": "a.test", **pair(folder, "a.pem", "a.key")}
    assert told(**https(**pair(folder, "a.pem", "a.key"), client_ca=ca), tls=tls) == []


@pytest.mark.parametrize(
    ("certificate", "private_key", "about"),
    [
        ("a.pem", "b.key", "b.key"),
        ("nonsense.pem", "a.key", "nonsense.pem"),
        ("empty.pem", "a.key", "empty.pem"),
        ("a.key", "a.pem", "a.key"),
        ("a.pem", "nonsense.pem", "nonsense.pem"),
    ],
)
def test_a_pair_that_is_none_is_an_error_that_names_the_file(
    folder: Path, certificate: str, private_key: str, about: str
) -> None:
    (problem,) = told(**https(**pair(folder, certificate, private_key)))
    assert problem.startswith("listeners[1].ssl.certificates[0]: ")
    assert about in problem


def test_each_of_several_certificates_is_looked_at(folder: Path) -> None:
    pairs = [("a.pem", "a.key"), ("b.pem", "a.key"), ("none.pem", "a.key"), ("a.pem", "b.key")]
    several = [pair(folder, *each) for each in pairs]
    bad_ca = str(folder / "nonsense.pem")
    problems = told(**https(certificates=several, client_ca=bad_ca))
    assert [problem.partition(": ")[0] for problem in problems] == [
        "listeners[1].ssl.certificates[1]",
        "listeners[1].ssl.certificates[3]",
        "listeners[1].ssl.client_ca",
    ], "the third is not here, which is for the loader to say"


def test_towards_servers_it_is_said_once_of_a_pool_and_again_of_who_differs(folder: Path) -> None:
    bad = {"ca": str(folder / "nonsense.pem"), "server_name": "a.test"}
    servers = ["10.0.0.1:80", {"address": "10.0.0.2:80", "tls": pair(folder, "a.pem", "b.key")}]
    problems = told(tls=bad, servers=servers)
    assert [problem.partition(": ")[0] for problem in problems] == [
        "pools.default.tls.ca",
        "pools.default.servers[1].tls.ca",
        "pools.default.servers[1].tls.certificate",
    ]
    assert told(tls={**bad, "enabled": False}) == [], "nobody would load it"


def test_check_ends_with_78_where_run_would(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "load_balancer:\n  servers: [10.0.0.1:80]\n  health_check: false\n"
        "  listeners: [{protocol: https, port: 443, ssl: {certificate: a.pem, private_key: KEY}}]\n"
    )
    for key, code in (("a.key", 0), ("b.key", 78), ("none.key", 0)):
        (folder / "lb.yaml").write_text(text.replace("KEY", key))
        assert main(["check", str(folder / "lb.yaml")]) == code
        out = capsys.readouterr().out
        assert ("1 error" in out) == (code == 78)
        assert ("warning" in out) == (key == "none.key")


ABSENT = """\
load_balancer:
  listeners:
    - protocol: https
      port: 443
      ssl: {certificate: none.pem, private_key: none.key}
    - {port: 80}
  servers:
    - {address: 10.0.0.1:443, tls: {enabled: false, ca: idle.pem}}
    - {address: 10.0.0.2:443, tls: {ca: used.pem}}
  health_check: false
"""


def test_who_runs_it_here_needs_each_file_and_is_told_once_where_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lb.yaml").write_text(ABSENT)
    assert main(["run", str(tmp_path / "lb.yaml")]) == 78
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "").splitlines()
    absent = "cannot be read here: No such file or directory"
    assert said == [
        f"lb.yaml:5 load_balancer.listeners[0].ssl.certificate: none.pem {absent}",
        f"lb.yaml:5 load_balancer.listeners[0].ssl.private_key: none.key {absent}",
        f"lb.yaml:8 warning: load_balancer.servers[0].tls.ca: idle.pem {absent}",
        f"lb.yaml:9 load_balancer.servers[1].tls.ca: used.pem {absent}",
    ], "of the third nobody would load anything"


def test_a_file_that_only_replaced_servers_needed_is_not_needed(tmp_path: Path) -> None:
    examined = examine_text(
        "servers: [{address: 10.0.0.1:443, tls: {ca: none.pem}}]\nhealth_check: false\n",
        name=str(tmp_path / "lb.yaml"),
    )
    config = examined.unwrap()
    assert [each.named for each in needed(config, examined.problems)] == [
        str(tmp_path / "none.pem")
    ]
    pool = attrs.evolve(config.pools["default"], servers=())
    assert needed(attrs.evolve(config, pools={"default": pool}), examined.problems) == []
