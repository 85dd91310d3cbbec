"""``trio-lb check``: a line for each problem, a summary, and an honest exit code."""

import json
from pathlib import Path

import pytest

from tests.net.identities import issued
from trio_lb.cli.main import main

BAD = """\
load_balancer:
  listeners: [{port: 80}]
  pools:
    api:
      servers:
        - {address: 10.0.0.1:80, weight: 0}
  sticky_sessions: true
  health_check: true
"""
GOOD = """\
load_balancer:
  listeners: [{port: 80}, {port: 81, pool: api}]
  servers: [10.0.0.1:80, 10.0.0.2:80]
  pools: {api: {servers: [10.0.0.3:80]}, spare: {}}
  health_check: true
"""
WARNED = "load_balancer:\n  listeners: [{port: 80}]\n  servers: [10.0.0.1:80]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    code = main(["check", *argv])
    out, err = capsys.readouterr()
    assert err == "", "problems are data: they go to standard output"
    return code, out


def test_each_problem_has_a_line_and_the_last_line_counts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lb.yaml").write_text(BAD)
    assert check(capsys, "lb.yaml") == (
        78,
        "lb.yaml:2 warning: load_balancer.listeners[0]: the default pool has no servers;"
        " set 'pool' to one of: api\n"
        "lb.yaml:6 load_balancer.pools.api.servers[0].weight: 0 is not in 1..65535\n"
        "lb.yaml:7 load_balancer.sticky_sessions: not supported in this version\n"
        "lb.yaml: 1 error, 1 not supported in this version, 1 warning\n",
    )


def test_a_good_file_is_said_to_be_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lb.yaml").write_text(GOOD)
    assert check(capsys, "lb.yaml") == (0, "lb.yaml: good: 2 listeners, 2 pools, 3 servers\n")


def test_warnings_alone_are_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lb.yaml").write_text(WARNED)
    assert check(capsys, "lb.yaml") == (
        0,
        "lb.yaml:1 warning: load_balancer: pool 'default' has no health_check:"
        " its servers are not probed\n"
        "lb.yaml: good: 1 listener, 1 pool, 1 server; 1 warning\n",
    )


def test_json_holds_the_same_for_a_program(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lb.yaml").write_text(BAD)
    code, out = check(capsys, "lb.yaml", "--json")
    problems = json.loads(out)["problems"]
    assert (code, len(problems)) == (78, 3)
    assert problems[1] == {
        "file": "lb.yaml",
        "line": 6,
        "path": "load_balancer.pools.api.servers[0].weight",
        "message": "0 is not in 1..65535",
        "severity": "error",
    }
    assert [each["severity"] for each in problems] == ["warning", "error", "error"]


def test_json_of_a_good_file_is_an_empty_list(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lb.yaml").write_text(GOOD)
    code, out = check(capsys, "--json", "lb.yaml")
    assert (code, json.loads(out)) == (0, {"problems": []})


def test_a_file_that_is_not_there_is_bad_configuration(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(capsys, "lb.yaml") == (
        78,
        "lb.yaml cannot be read: No such file or directory\nlb.yaml: 1 error\n",
    )
    code, out = check(capsys, "lb.yaml", "--json")
    (problem,) = json.loads(out)["problems"]
    assert (code, problem["line"], problem["path"]) == (78, None, "")


def test_the_environment_is_that_of_the_process(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "lb.yaml").write_text(GOOD.replace("81", "'${API_PORT}'"))
    monkeypatch.setenv("API_PORT", "8081")
    assert check(capsys, "lb.yaml")[0] == 0
    monkeypatch.delenv("API_PORT")
    code, out = check(capsys, "lb.yaml")
    assert (code, out.splitlines()[0]) == (
        78,
        "lb.yaml:2 load_balancer.listeners[1].port:"
        " the environment variable API_PORT is not set, and has no default",
    )


SECURE = """\
load_balancer:
  listeners:
    - {protocol: https, port: 443, ssl: {certificate: cert.pem, private_key: key.pem}}
  servers: [10.0.0.1:80]
  health_check: true
"""


def test_a_certificate_that_is_not_here_is_a_warning(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lb.yaml").write_text(SECURE)
    (folder / "key.pem").mkdir()
    assert check(capsys, "lb.yaml") == (
        0,
        "lb.yaml:3 warning: load_balancer.listeners[0].ssl.certificate:"
        " cert.pem cannot be read here: No such file or directory\n"
        "lb.yaml:3 warning: load_balancer.listeners[0].ssl.private_key:"
        " key.pem cannot be read here: Is a directory\n"
        "lb.yaml: good: 1 listener, 1 pool, 1 server; 2 warnings;"
        " not looked into: 2 files, and run needs them\n",
    )
    leaf = issued("a.test")
    (folder / "cert.pem").write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    (folder / "lb.yaml").write_text(SECURE.replace(", private_key: key.pem", ""))
    assert check(capsys, "lb.yaml") == (0, "lb.yaml: good: 1 listener, 1 pool, 1 server\n")


def test_https_without_a_certificate_can_not_be_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lb.yaml").write_text(SECURE.split(", ssl:")[0] + "}\n  health_check: true\n")
    code, out = check(capsys, "lb.yaml", "--json")
    problem = json.loads(out)["problems"][0]
    assert (code, problem["line"], problem["severity"]) == (78, 3, "error")
    assert problem["path"] == "load_balancer.listeners[0]"
    assert problem["message"].startswith("https needs a certificate: write ssl: {certificate:")


def test_an_empty_file_is_not_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lb.yaml").write_text("# to be written\n")
    assert check(capsys, "lb.yaml") == (
        78, "lb.yaml is empty: nothing in it says what to balance\nlb.yaml: 1 error\n"
    )  # fmt: skip
