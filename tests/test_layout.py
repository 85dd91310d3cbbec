"""The house rules that no linter knows: sizes, mirrored tests, total tables, cheap imports."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final

import pytest

from tests import diagrams

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDERS: Final = ("trio_lb", "tests", "benchmarks")
MOST_LINES_OF_A_FILE: Final = 400
MOST_LINES_OF_A_BODY: Final = 50

# Modules without a test file of their own, each with the reason. An entry whose
# module has gone, or has got its test, is stale and fails.
NOT_MIRRORED: Final = {
    "trio_lb/_version.py": "one constant; the command line's test prints it",
    "trio_lb/model/rng.py": "a protocol; random.Random and every policy's test satisfy it",
    "trio_lb/net/codec.py": "a protocol and its two values; the test of the h11 codec fills them",
    "trio_lb/net/env.py": "protocols; one contract suite tries both implementations",
    "trio_lb/policy/balance/base.py": "protocols; every algorithm's test satisfies them",
    "trio_lb/policy/machine.py": "a protocol; every machine's test satisfies it",
}

# What the extras bring. `import trio_lb` must load none of it, installed or not.
MODULES_OF_EXTRAS: Final = (
    "aioquic",
    "brotli",
    "coredis",
    "dns",
    "h2",
    "httptools",
    "httpx",
    "httpx2",
    "joserfc",
    "maxminddb",
    "opentelemetry",
    "prometheus_client",
    "rich",
    "starlette",
    "uvicorn",
    "watchfiles",
    "zstandard",
)

# Pieces of names that belong to somebody's machine, not to the project. Put
# together here, so that this file does not hold them itself.
FORBIDDEN_WORDS: Final = ("/wo" + "rk/", "." + "library", "farm" + "-studio")

_NOT_OURS: Final = {".git", ".venv", ".hypothesis", "build", "dist", "__pycache__", "node_modules"}
_TEXT: Final = {"", ".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".lock", ".html", ".js", ".css"}


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    lengths = {
        name_of(path): len(path.read_text("utf-8").splitlines()) for path in python_files(*FOLDERS)
    }
    assert {k: v for k, v in lengths.items() if v > MOST_LINES_OF_A_FILE} == {}


def test_no_function_body_is_longer_than_fifty_lines() -> None:
    too_long = {
        f"{name_of(path)}:{function.lineno} {function.name}": length
        for path in python_files("trio_lb", "benchmarks")
        for function, length in bodies(path)
        if length > MOST_LINES_OF_A_BODY
    }
    assert too_long == {}


def bodies(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Each function with the lines of its body; the docstring does not count."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False) is not None
            statements = node.body[1:] if documented else node.body
            if statements:
                yield node, (statements[-1].end_lineno or 0) - statements[0].lineno + 1


def test_every_module_that_says_something_has_a_docstring() -> None:
    bare = [
        name_of(path)
        for path in python_files(*FOLDERS)
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert bare == []


def mirror_of(module: str) -> str:
    """Where the tests of a module live: trio_lb/a/_b.py is tested by tests/a/test_b.py."""
    path = Path(module)
    folder = Path("tests", *path.parts[1:-1])
    return (folder / f"test_{path.stem.lstrip('_')}.py").as_posix()


def modules_to_mirror() -> list[str]:
    return [
        name_of(path)
        for path in python_files("trio_lb")
        if path.stem not in {"__init__", "__main__"}
    ]


def test_every_module_has_its_mirrored_test() -> None:
    missing = [
        f"{module} wants {mirror_of(module)}"
        for module in modules_to_mirror()
        if module not in NOT_MIRRORED and not (ROOT / mirror_of(module)).exists()
    ]
    assert missing == [], "\n" + "\n".join(missing)


def test_no_exception_from_the_mirror_is_stale() -> None:
    modules = set(modules_to_mirror())
    gone = sorted(set(NOT_MIRRORED) - modules)
    mirrored = sorted(m for m in NOT_MIRRORED if (ROOT / mirror_of(m)).exists())
    assert (gone, mirrored) == ([], [])


def members(values: object) -> set[Enum]:
    """All members of the one enum that ``values`` come from."""
    assert isinstance(values, set)
    kinds = {type(value) for value in values}
    assert len(kinds) == 1, f"one enum was expected: {kinds}"
    (kind,) = kinds
    assert issubclass(kind, Enum), f"{kind} is no enum"
    return set(kind)


@pytest.mark.parametrize("module", diagrams.modules_with_table())
def test_a_table_names_every_state_and_every_signal(module: str) -> None:
    table = diagrams.table_of(module)
    states = set(table)
    signals = {signal for ways in table.values() for signal in ways}
    targets = {target for ways in table.values() for target in ways.values()}
    assert members(states) == states, "a state has no row"
    assert members(signals) == signals, "a signal leads nowhere"
    assert targets <= states, "a transition leads out of the table"


@pytest.mark.parametrize("module", diagrams.modules_with_table())
def test_a_machine_s_docstring_pictures_its_states(module: str) -> None:
    picture = importlib.import_module(module).__doc__ or ""
    unnamed = [state.name for state in diagrams.table_of(module) if state.name not in picture]
    assert unnamed == []
    assert "->" in picture, "the picture has arrows"


def test_every_table_is_drawn_once_in_the_design_pages() -> None:
    drawn = sorted(module for _, module, _ in diagrams.drawings())
    assert drawn == diagrams.modules_with_table(), "run: python -m tests.diagrams"


def test_every_drawing_equals_its_table() -> None:
    stale = [
        f"{name_of(page)}: {module}"
        for page, module, drawing in diagrams.drawings()
        if drawing != diagrams.render(diagrams.table_of(module))
    ]
    assert stale == [], "run: python -m tests.diagrams"


def test_a_drawing_shows_each_transition_and_the_first_state() -> None:
    state = Enum("state", ["CLOSED", "OPEN"])
    signal = Enum("signal", ["TRIP", "FORCE", "RESET"])
    closed, opened = state
    trip, force, reset = signal
    assert diagrams.render({closed: {trip: opened, force: opened}, opened: {reset: closed}}) == (
        "```mermaid\n"
        "stateDiagram-v2\n"
        "    [*] --> CLOSED\n"
        "    CLOSED --> OPEN: TRIP, FORCE\n"
        "    OPEN --> CLOSED: RESET\n"
        "```\n"
    )


def test_importing_the_package_loads_no_extra() -> None:
    program = "import trio_lb, sys; print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(MODULES_OF_EXTRAS) & set(ran.stdout.split()) == set()


def our_text_files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        cached = any(p in _NOT_OURS or (p.startswith(".") and "cache" in p) for p in parts)
        if not cached and path.suffix in _TEXT and path.is_file():
            yield path


def test_no_file_speaks_of_anything_but_the_project() -> None:
    found = [
        f"{name_of(path)} holds {word!r}"
        for path in our_text_files()
        for word in FORBIDDEN_WORDS
        if word in path.read_text("utf-8", errors="replace")
    ]
    assert found == []
