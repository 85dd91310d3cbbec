"""Draws a state machine's table as a Mermaid diagram, and keeps docs/design/ equal to the tables.

A page in docs/design/ holds the drawing of a table between two marks::

    <!-- table: trio_lb.policy.health -->
    ```mermaid
    ...
    ```
    <!-- end of table -->

``python -m tests.diagrams`` redraws every such block, and starts a page for a
table that has none yet. tests/test_layout.py fails while a drawing is stale.
"""

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
DESIGN: Final = ROOT / "docs" / "design"

Table = Mapping[Enum, Mapping[Enum, Enum]]

_BLOCK: Final = re.compile(
    r"<!-- table: (?P<module>[\w.]+) -->\n(?P<drawing>.*?)<!-- end of table -->", re.DOTALL
)


def modules_with_table(package: Path = ROOT / "trio_lb") -> list[str]:
    """Names of the modules that assign TRANSITIONS at their top level, found without importing."""
    return [
        ".".join(path.relative_to(package.parent).with_suffix("").parts)
        for path in sorted(package.rglob("*.py"))
        if _assigns_transitions(path)
    ]


def _assigns_transitions(path: Path) -> bool:
    for statement in ast.parse(path.read_text("utf-8")).body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id="TRANSITIONS")):
                return True
            case ast.Assign(targets=[ast.Name(id="TRANSITIONS")]):
                return True
    return False


def table_of(module: str) -> Table:
    table: Table = importlib.import_module(module).TRANSITIONS
    return table


def render(table: Table) -> str:
    """The table as Mermaid, in the table's own order; its first state is where a machine starts.

    Signals that lead from one state to the same other state share an arrow.
    """
    lines = ["stateDiagram-v2", f"    [*] --> {next(iter(table)).name}"]
    for state, ways in table.items():
        arrows: dict[str, list[str]] = {}
        for signal, target in ways.items():
            arrows.setdefault(target.name, []).append(signal.name)
        lines += [
            f"    {state.name} --> {target}: {', '.join(signals)}"
            for target, signals in arrows.items()
        ]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def drawings() -> Iterator[tuple[Path, str, str]]:
    """Every marked block in docs/design/: its page, its module, and what stands in it."""
    for page in sorted(DESIGN.glob("*.md")):
        for block in _BLOCK.finditer(page.read_text("utf-8")):
            yield page, block["module"], block["drawing"]


def rewrite() -> list[Path]:
    """Redraw every block, start the missing pages, and return the pages that changed."""
    changed = [page for page in sorted(DESIGN.glob("*.md")) if _rewrite_page(page)]
    drawn = {module for _, module, _ in drawings()}
    return changed + [_start_page(name) for name in modules_with_table() if name not in drawn]


def _rewrite_page(page: Path) -> bool:
    before = page.read_text("utf-8")
    after = _BLOCK.sub(lambda block: _block(block["module"]), before)
    if after != before:
        page.write_text(after, "utf-8")
    return after != before


def _start_page(module: str) -> Path:
    page = DESIGN / f"{module.rpartition('.')[2].replace('_', '-')}.md"
    promise = (importlib.import_module(module).__doc__ or "").partition("\n")[0]
    head = page.read_text("utf-8") + "\n" if page.exists() else f"# {module}\n\n{promise}\n\n"
    DESIGN.mkdir(parents=True, exist_ok=True)
    page.write_text(head + _block(module) + "\n", "utf-8")
    return page


def _block(module: str) -> str:
    drawing = render(table_of(module))
    return f"<!-- table: {module} -->\n{drawing}<!-- end of table -->"


if __name__ == "__main__":
    for _page in rewrite():
        sys.stdout.write(f"drawn: {_page.relative_to(ROOT)}\n")
