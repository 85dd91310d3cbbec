"""The page on the workload names every kind with its fields, as the code has them."""

from pathlib import Path
from typing import Final

import attrs
import pytest

from trio_lb.config.knobs import knobs_of
from trio_lb.sim.arrivals import ARRIVALS
from trio_lb.sim.distributions import DISTRIBUTIONS
from trio_lb.sim.tagged import Table

PAGE: Final = Path(__file__).parents[2] / "docs" / "simulation" / "workload.md"


def table_of(kinds: Table) -> str:
    lines = ["| kind | field | allowed | what it is |", "|---|---|---|---|"]
    for kind, cls in kinds.items():
        for name, field in knobs_of(cls).items():
            optional = attrs.fields_dict(cls)[name].default is not attrs.NOTHING
            mark = " (may be left out)" if optional else ""
            lines.append(f"| `{kind}` | `{name}` | {field.shape.allowed} | {field.says}{mark} |")
    return "\n".join(lines)


@pytest.mark.parametrize("kinds", [DISTRIBUTIONS, ARRIVALS], ids=["distributions", "arrivals"])
def test_the_page_holds_the_table_of_the_code(kinds: Table) -> None:
    assert table_of(kinds) in PAGE.read_text("utf-8")
