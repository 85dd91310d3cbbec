"""Exit codes: the documented numbers, and no others."""

from pathlib import Path

import pytest

from trio_lb.cli.exits import Exit
from trio_lb.cli.main import main


def test_the_codes_are_the_documented_ones() -> None:
    assert {code.name: code.value for code in Exit} == {
        "OK": 0,
        "FAILURE": 1,
        "USAGE": 2,
        "VACUOUS": 5,
        "SOFTWARE": 70,
        "CANNOT_BIND": 71,
        "DRAIN_TIMED_OUT": 75,
        "BAD_CONFIG": 78,
        "INTERRUPTED": 130,
    }


def test_a_code_is_a_number_that_says_what_it_means() -> None:
    assert [code for code in Exit if code == 78] == [Exit.BAD_CONFIG]
    assert Exit.BAD_CONFIG.says == "the configuration is bad"


def ended_with(argv: list[str]) -> object:
    try:
        return main(argv)
    except SystemExit as left:
        return left.code


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["run", "--nope"], Exit.USAGE),
        (["run", "--set", "timeouts"], Exit.USAGE),
        (["run", "-p", "65536"], Exit.USAGE),
        (["run", "--algorithm", "robin"], Exit.USAGE),
        (["run", "--set", "algorithm=robin"], Exit.BAD_CONFIG),
        (["run", "--set", "timeouts.total=never"], Exit.BAD_CONFIG),
        (["run", "-b", "a:1", "a:1"], Exit.BAD_CONFIG),
        (["run", "absent.yaml"], Exit.BAD_CONFIG),
        (["run", "empty.yaml"], Exit.BAD_CONFIG),
        (["run", "two.yaml", "-p", "81"], Exit.BAD_CONFIG),
        (["run", "cert.yaml"], Exit.BAD_CONFIG),
        (["check", "absent.yaml"], Exit.BAD_CONFIG),
        (["check"], Exit.USAGE),
    ],
)
def test_2_is_the_command_line_s_own_fault_and_78_that_of_what_it_leads_to(
    argv: list[str],
    code: Exit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.yaml").touch()
    (tmp_path / "two.yaml").write_text("listeners: [{port: 81}, {port: 82}]\nservers: [a]\n")
    (tmp_path / "cert.yaml").write_text(
        "servers: [127.0.0.1:9]\n"
        "listeners: [{protocol: https, bind: '127.0.0.1:0', ssl: {certificate: none.pem}}]\n"
    )
    assert ended_with(argv) == code
    said = capfd.readouterr()
    assert said.err + said.out, "it says why"
    assert "Traceback" not in said.err
