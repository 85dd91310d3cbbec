"""``trio-lb simulate`` as a command: what it refuses, and with which exit code."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import stories
from trio_lb.cli.main import main
from trio_lb.sim.scenarios.catalogue import MODULES

ROOT = Path(__file__).resolve().parents[2]
REAL = """\
load_balancer:
  listeners:
    - {bind: "unix:/run/lb"}
    - {protocol: https, port: 443, ssl: {certificate: cert.pem, private_key: key.pem}}
  servers: [10.0.0.1:80]
  health_check: true
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    code = main(["simulate", *argv])
    out, err = capsys.readouterr()
    assert out == ""
    return code, err


def test_the_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list"]) == 0
    out = capsys.readouterr().out
    assert {line.split()[1] for line in out.splitlines() if not line.startswith("     ")} == set(
        MODULES
    )


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ([], "the name of a scenario is missing; --list shows them"),
        (["fleet", "--option", "srvers=3"], "'srvers' is no option of fleet; did you mean 'servers'?"),
        (["fleet", "--option", "servers=x"], "servers: 'x' is not a whole number (default 6)"),
        (["fleet", "--trace", "-"], "argument --trace: goes to a file, not to standard output"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_ends_with_two(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *argv) == (2, f"trio-lb simulate: {told}\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- {at: 1s, kind: crahs, target: 'server:s1'}\n",
         "f.yaml:1 [0].kind: 'crahs' is no kind of fault; did you mean 'crash'?\n"),
        ("\n- {at: 1s, kind: crash, target: 'server:s9'}\n",
         "f.yaml:2 [0]: there is no server 's9'; there are: s1, s2, s3, s4, s5, s6\n"),
        ("- {at: 9s, kind: crash, target: 'server:s1'}\n- {at: 8s, kind: crash, target: 'server:s1'}\n",
         "f.yaml:2 [1].at: 8 s goes back: an entry above is at 9 s\n"),
        ("- {at: 9s, kind: crash, target: 'server:s1', args: {fine: 1}}\n",
         "f.yaml:1 [0].args.fine: unknown key; did you mean 'fin'?\n"),
    ],
)  # fmt: skip
def test_a_wrong_schedule_is_refused_by_file_line_and_path(
    text: str, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "f.yaml").write_text(text)
    assert refused(capsys, "fleet", "--faults", "f.yaml") == (78, told)
    assert refused(capsys, "fleet", "--faults", "f.yaml", "--seeds", "2") == (78, told)


def test_a_schedule_or_a_configuration_that_is_not_there_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "cannot be read: No such file or directory\n"
    assert refused(capsys, "fleet", "--faults", "f.yaml") == (78, f"f.yaml {told}")
    assert refused(capsys, "fleet", "-c", "lb.yaml") == (78, f"lb.yaml {told}")


def test_a_configuration_that_needs_the_file_system_is_refused_and_a_certificate_is_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lb.yaml").write_text(REAL)
    code, err = refused(capsys, "fleet", "-c", "lb.yaml")
    assert code == 78
    assert err.startswith("lb.yaml")
    assert "listeners[0].bind: is a socket of the file system, and a simulation has none" in err
    assert "ssl" not in err


def test_ctrl_c_in_the_one_seed_says_that_it_was_not_done() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "trio_lb", "simulate", f"{stories.__name__}:says_when_it_runs",
         "--until", "1d", "--settle", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.readline() == "it runs\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "interrupted: seed 0 was not done\n")
