"""The blocks of docs/reference/python.md run, and print what stands below them."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "reference" / "python.md"
TEXT: Final = PAGE.read_text("utf-8")
BLOCKS: Final = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_prints_what_it_says(block: str) -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(block, PAGE.name, "exec"), {"__name__": "reference"})  # The block is ours.
    promised = re.findall(r"^# (.*)$", block, re.M)
    assert promised, "a block that shows nothing proves nothing"
    assert out.getvalue().splitlines() == promised


def test_every_entry_of_its_contents_leads_to_a_section() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.*)$", TEXT, re.M)
    }
    linked = re.findall(r"^- \[.*?\]\(#(.*?)\)", TEXT, re.M)
    assert set(linked) == anchors
