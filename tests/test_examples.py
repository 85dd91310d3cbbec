"""docs/examples/: each program runs, and prints what stands below it."""

import re
import shutil
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
import trio
from trio.testing import MockClock

from tests.support.plugin import run_pytest
from tests.support.stage import until
from tests.support.world import World
from trio_lb.model.address import Address

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "examples"
PROGRAMS: Final = sorted(path.stem for path in FOLDER.glob("*.py"))
THAT_END: Final = ("all_in_python", "own_calls")
SIMULATIONS: Final = ("metastable",)


def program(name: str, say: Callable[[str], None]) -> ModuleType:
    """Load a program anew; what it prints goes to ``say``."""
    spec = spec_from_file_location(f"examples_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["print"] = lambda *parts: say(" ".join(map(str, parts)))
    return module


def promised(name: str) -> list[str]:
    """What stands below a program."""
    source = (FOLDER / f"{name}.py").read_text("utf-8")
    lines = source.partition("# What it prints:\n")[2].splitlines()
    return [line.removeprefix("# ") for line in lines]


def test_each_is_tried_here() -> None:
    assert sorted((*THAT_END, *SIMULATIONS, "embed")) == PROGRAMS


@pytest.mark.parametrize("name", THAT_END)
async def test_it_prints_what_it_says_it_prints(name: str, autojump_clock: MockClock) -> None:
    printed: list[str] = []
    module = program(name, printed.append)
    await module.main()
    assert printed == promised(name)
    assert len(printed) >= 4


@pytest.mark.parametrize("name", SIMULATIONS)
def test_a_simulation_prints_what_it_says_it_prints(name: str) -> None:
    printed: list[str] = []
    program(name, printed.append).main()
    assert printed == promised(name)
    assert len(printed) >= 4


@pytest.mark.timeout(240)
def test_the_tests_of_a_user_s_project_pass_and_find_its_bug(tmp_path: Path) -> None:
    """As in a project of its own: none of our settings hold there."""
    project = shutil.copytree(FOLDER / "orders", tmp_path / "orders")
    done = run_pytest(project, "-W", "error")
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


@pytest.mark.real
@pytest.mark.parametrize("stage_kind", ["loopback"], indirect=True)
async def test_two_functions_share_one_address(any_world: World, nursery: trio.Nursery) -> None:
    printed: list[str] = []
    module = program("embed", printed.append)
    module.CONFIG["listeners"][0]["bind"] = "127.0.0.1:0"
    nursery.start_soon(module.main)
    await until(any_world.stage, lambda: bool(printed))
    bound = re.fullmatch(r"balancing on http://([\d.]+):(\d+)", printed[0])
    assert bound
    client = await any_world.client(Address(bound[1], int(bound[2])))
    answers = []
    for _ in range(3):
        await client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        answers.append((await client.read_response()).body)
    assert answers == [b"one saw /x\n", b"two saw /x\n", b"one saw /x\n"]
