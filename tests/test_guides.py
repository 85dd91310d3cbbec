"""docs/guides/: each configuration in them is good, each command and each link is there."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.net.identities import issued, write
from trio_lb.cli.main import COMMANDS, main

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "guides"
PAGES: Final = sorted(page.name for page in FOLDER.glob("*.md"))
CERTIFICATES: Final = ("example", "shop")
"""What the pages call them, in a folder ``tls``."""


def blocks(page: str, language: str) -> list[str]:
    text = (FOLDER / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


CONFIGURATIONS: Final = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page, "yaml"))
]


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_check_finds_nothing_to_say_of_a_configuration(
    block: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tls").mkdir()
    for name in CERTIFICATES:
        write(tmp_path / "tls", name, issued(f"{name}.test"))
    (tmp_path / "lb.yaml").write_text(block)
    code = main(["check", "lb.yaml"])
    said = capsys.readouterr().out
    assert (code, said.count("\n")) == (0, 1), said
    assert said.startswith("lb.yaml: good: ")
    assert "warning" not in said


def test_every_page_but_the_list_has_a_configuration() -> None:
    without = [page for page in PAGES if not blocks(page, "yaml")]
    assert without == ["README.md"]


def test_the_list_names_every_page() -> None:
    listed = re.findall(r"^\|.*\]\((\S+\.md)\) \|$", (FOLDER / "README.md").read_text(), re.M)
    assert sorted(["README.md", *listed]) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_its_commands_are_commands_and_its_links_lead_somewhere(page: str) -> None:
    commands = {
        found
        for block in blocks(page, "console")
        for found in re.findall(r"\btrio-lb ([a-z]\w+)", block)
    }
    assert commands <= set(COMMANDS)
    links = re.findall(r"\]\(([^)#]+)", (FOLDER / page).read_text("utf-8"))
    assert [link for link in links if not (FOLDER / link).exists()] == []


def test_every_message_that_is_explained_is_said_by_the_program() -> None:
    """The first column of the tables, word for word as it stands in the program's text."""
    text = (FOLDER / "troubleshooting.md").read_text("utf-8")
    explained = re.findall(r"^\| `([^`]+)` \|", text, re.M)
    program = "".join(path.read_text("utf-8") for path in (ROOT / "trio_lb").rglob("*.py"))
    assert len(explained) == 18
    assert [words for words in explained if words not in program] == []


def test_each_trouble_has_its_heading() -> None:
    text = (FOLDER / "troubleshooting.md").read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.M) == [
        "503",
        "502 and 504",
        "It is slow",
        "It comes back late",
        "Memory grows",
        "Connections that are closed",
    ]


def test_there_is_advice_for_throughput_latency_and_availability() -> None:
    text = (FOLDER / "tuning.md").read_text("utf-8")
    headings = re.findall(r"^## For (\w+)\n\n```yaml$", text, re.M)
    assert headings == ["throughput", "latency", "availability"]


def test_certificates_of_the_pages_are_those_that_are_made_here() -> None:
    named = {
        path for block in blocks("https.md", "yaml") for path in re.findall(r"tls/([\w.]+)", block)
    }
    assert named == {f"{name}.{end}" for name in CERTIFICATES for end in ("pem", "key")}
