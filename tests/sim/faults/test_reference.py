"""The page's tables are made from the kinds."""

import re
from pathlib import Path

import pytest

from tests.sim.faults.play import Play, play, target_of
from trio_lb.model.errors import ConfigError
from trio_lb.sim.faults.fluent import schedule
from trio_lb.sim.faults.kinds import KINDS
from trio_lb.sim.faults.read import read_text
from trio_lb.sim.faults.reference import render
from trio_lb.sim.faults.target import Sort

PAGE = Path(__file__).resolve().parents[3] / "docs" / "simulation" / "faults.md"


def test_the_page_holds_the_tables() -> None:
    _, _, rest = PAGE.read_text("utf-8").partition("<!-- kinds -->\n")
    held, _, _ = rest.partition("<!-- end of kinds -->")
    assert held == render(), "run: python -m trio_lb.sim.faults.reference, and put it there"


def test_every_kind_has_its_row() -> None:
    assert re.findall(r"^\| `(\w+)`", render(), re.MULTILINE) == list(KINDS)


def test_a_row_says_bounds_unit_and_default() -> None:
    rows = render().splitlines()
    assert (
        "| `slow` | server | takes longer for each answer | `x` (10.0): times;"
        " a factor, in 1..10000 | may have one | no |"
    ) in rows
    reset = "| `reset` | link or server | breaks every open connection with RST | none | no end"
    assert f"{reset} | yes |" in rows


PROGRAM_S = ("server:app", "host:app", {"link": ["lb", "app"]})


@pytest.mark.parametrize("name", KINDS)
def test_what_reaches_programs_can_be_injected_there_and_what_does_not_is_refused(
    name: str,
) -> None:
    kind = KINDS[name]
    sorts = [sort for sort in (Sort.SERVER, Sort.HOST, Sort.LINK) if sort in kind.targets]

    async def scene(world: Play) -> None:
        world.programs["app"] = world.actor("app")
        world.behind["lb"] = ["app"]
        for target in (each for each in PROGRAM_S if target_of(each).sort in sorts):
            if kind.modelled:
                with pytest.raises(ConfigError, match=r"needs one|gives a program no|no TLS"):
                    world.inject(name, target)
            else:
                world.inject(name, target)()

    play(scene)


def test_the_page_s_examples_say_the_same() -> None:
    text = PAGE.read_text("utf-8")
    in_yaml, under_faults = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (in_python,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, object] = {}
    exec(in_python, names)
    assert names["faults"] == read_text(in_yaml, name="example.yaml")
    assert names["faults"] != schedule()
    assert len(read_text(under_faults, name="example.yaml").entries) == 1
