"""docs/requirements.md keeps its word: no row is lost, and every proof it names is there."""

import ast
import re
from pathlib import Path
from typing import Final, TypeGuard

import attrs
import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "requirements.md"
SECTIONS: Final = [f"1.{number}" for number in range(1, 14)]


@attrs.frozen
class Row:
    """One promise: its number, the item, where it lives, and the cell that proves it."""

    number: str
    item: str
    where: str
    proof: str

    @property
    def section(self) -> str:
        return self.number.partition("-")[0]

    @property
    def proofs(self) -> list[str]:
        """The test ids of the cell, none when the row is open."""
        return [] if self.proof == "open" else [one.strip(" `") for one in self.proof.split(",")]


def rows() -> list[Row]:
    lines = PAGE.read_text("utf-8").splitlines()
    return [row_of(line) for line in lines if re.match(r"\| *1\.\d", line)]


def row_of(line: str) -> Row:
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    assert len(cells) == 4, f"a row has four cells: {line}"
    return Row(*cells)


def fault_of(proof: str) -> str | None:
    """Why ``tests/a/test_b.py[::name]`` proves nothing, or None."""
    file, _, name = proof.partition("::")
    path = ROOT / file
    if not re.fullmatch(r"tests/(\w+/)*test_\w+\.py", file) or not path.is_file():
        return f"{file!r} is no test file"
    if name and name.partition("[")[0] not in names_of_tests_in(path):
        return f"{file} has no test {name}"
    return None


def names_of_tests_in(path: Path) -> set[str]:
    """The test functions of a file; those of a class as ``Class::name``."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{one.name}" for one in node.body if is_test(one)}
        elif is_test(node):
            found.add(node.name)
    return found


def is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def test_no_row_was_lost_or_added_unseen() -> None:
    stated = re.search(r"^Rows: (\d+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert stated is not None, "the page states its number of rows"
    assert len(rows()) == int(stated[1])


def test_rows_are_numbered_without_a_gap_in_each_section() -> None:
    for section in SECTIONS:
        numbers = [row.number for row in rows() if row.section == section]
        assert numbers == [f"{section}-{n:02}" for n in range(1, len(numbers) + 1)]
        assert numbers, f"section {section} has no row"


def test_every_row_names_a_document_and_a_place() -> None:
    unsourced = [row.number for row in rows() if not re.search(r"\(.*00[0-4].*\)", row.item)]
    placeless = [row.number for row in rows() if not row.where]
    assert (unsourced, placeless) == ([], [])


def test_every_proof_names_a_test_that_exists() -> None:
    faults = [f"{r.number}: {fault}" for r in rows() for p in r.proofs if (fault := fault_of(p))]
    assert faults == [], "\n" + "\n".join(faults)


@pytest.mark.parametrize(
    ("proof", "fault"),
    [
        ("tests/test_requirements.py", None),
        ("tests/test_requirements.py::test_every_proof_names_a_test_that_exists", None),
        ("tests/test_requirements.py::gone", "tests/test_requirements.py has no test gone"),
        ("tests/test_gone.py", "'tests/test_gone.py' is no test file"),
        ("closed", "'closed' is no test file"),
        ("", "'' is no test file"),
    ],
)
def test_a_proof_is_looked_up(proof: str, fault: str | None) -> None:
    assert fault_of(proof) == fault
