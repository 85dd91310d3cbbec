"""docs/reference/command-line.md names every command, option and exit code that there is."""

import argparse
import importlib
import re
from pathlib import Path

import pytest

from trio_lb.cli.exits import Exit
from trio_lb.cli.main import COMMANDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "command-line.md"


def section_of(command: str) -> str:
    found = re.search(rf"^## trio-lb {command}$(.*?)^## ", PAGE.read_text(), re.M | re.S)
    assert found, f"no section for {command}"
    return found[1]


def options_of(command: str) -> set[str]:
    parser = argparse.ArgumentParser(add_help=False)
    importlib.import_module(f"trio_lb.cli.{command}").add_arguments(parser)
    return {each for action in parser._actions for each in action.option_strings}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_s_section_has_its_options_and_no_other(command: str) -> None:
    documented = set(re.findall(r"`(--?[a-z][a-z-]*)", section_of(command)))
    assert documented == options_of(command)


def test_the_table_of_exit_codes_is_that_of_the_program() -> None:
    table = PAGE.read_text().partition("## Exit codes")[2]
    rows = re.findall(r"^\| (\d+) \| ([^;|]+?)(?:;.*)? \|$", table, re.M)
    assert rows == [(str(code.value), code.says) for code in Exit]
