"""The command line as a whole: cheap to ask, clear when it is wrong."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from trio_lb._version import __version__
from trio_lb.cli.exits import Exit
from trio_lb.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]


def trio_lb(*argv: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "trio_lb", *argv]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=environ, timeout=50
    )


def imported_by(argv: Sequence[str]) -> set[str]:
    program = (
        "import sys, contextlib\nfrom trio_lb.cli.main import main\n"
        f"with contextlib.suppress(SystemExit): main({list(argv)!r})\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(ran.stderr.split())


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["rnu"]])
def test_a_question_imports_neither_trio_nor_a_command(argv: list[str]) -> None:
    modules = imported_by(argv)
    assert {"trio", "h11", "yaml", "asyncio"} & modules == set()
    assert {f"trio_lb.cli.{name}" for name in COMMANDS} & modules == set()


def test_the_version_is_asked_without_even_a_parser() -> None:
    assert {"argparse", "attrs", "trio_lb.config"} & imported_by(["--version"]) == set()


def test_check_imports_no_trio() -> None:
    assert {"trio", "h11"} & imported_by(["check", "nowhere.yaml"]) == set()


@pytest.mark.parametrize("argv", [["--version"], ["-V"]])
def test_the_version_is_data(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    assert capsys.readouterr() == (f"trio-lb {__version__}\n", "")


def test_help_names_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    told = capsys.readouterr().out
    assert caught.value.code == 0
    rows = [line.split()[0] for line in told.splitlines() if line.startswith("  ")]
    assert set(COMMANDS) <= set(rows)
    assert {str(code.value) for code in Exit} <= set(rows)


def test_no_command_is_a_usage_error_that_shows_the_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: trio-lb COMMAND")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["chek"], "trio-lb: unknown command 'chek'; did you mean 'check'?\n"),
        (
            ["zzz"],
            "trio-lb: unknown command 'zzz';"
            " there are: run, demo, backend, check, simulate, replay, whatif\n",
        ),
        (["--versoin"], "trio-lb: unknown option '--versoin'; did you mean '--version'?\n"),
        (["check", "--jsn"], "trio-lb check: unknown option '--jsn'; did you mean '--json'?\n"),
        (["check"], "trio-lb check: the following arguments are required: CONFIG\n"),
    ],
)
def test_a_wrong_command_line_ends_with_two_and_says_what_is_near(
    argv: list[str], message: str
) -> None:
    ran = trio_lb(*argv)
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", message)


def test_every_command_is_a_module_with_its_two_functions() -> None:
    import importlib

    for name in COMMANDS:
        module = importlib.import_module(f"trio_lb.cli.{name}")
        assert callable(module.add_arguments)
        assert callable(module.run)


def test_a_reader_that_leaves_is_no_fault_to_shout_about(tmp_path: Path) -> None:
    (tmp_path / "lb.yaml").write_text("name: [" + ",".join(["x"] * 9000) + "]\n")
    (tmp_path / "many.yaml").write_text("".join(f"key{n}: 1\n" for n in range(3000)))
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        ran = subprocess.run(
            [sys.executable, "-m", "trio_lb", "check", "many.yaml"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=50,
        )
    assert (ran.returncode, ran.stderr) == (1, b"")


@pytest.mark.parametrize("argv", [["--version"], ["check", "nowhere.yaml"]])
def test_a_full_disk_is_one_line(argv: list[str]) -> None:
    command = [sys.executable, "-m", "trio_lb", *argv]
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT
        )
    assert ran.returncode == Exit.FAILURE
    assert ran.stderr == "trio-lb: an output cannot be written: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_file_changes_no_exit_code(closed: str) -> None:
    command = f"exec {sys.executable} -m trio_lb check nowhere.yaml {closed}"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, check=False, cwd=ROOT)
    assert (ran.returncode, ran.stderr) == (Exit.BAD_CONFIG, b"")


@pytest.mark.parametrize("command", ["run", "check"])
def test_ctrl_c_while_modules_are_imported_is_130_and_no_traceback(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(name: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    assert main([command, "lb.yaml"]) == Exit.INTERRUPTED
