"""The page on checks names each of them as the code does, and its examples work."""

import inspect
import re
from pathlib import Path
from typing import Any, Final

import trio_lb.sim.checks as package
from tests.sim.checks.support import Play
from trio_lb.sim.checks import Check, Sometimes, standard_checks
from trio_lb.sim.happening import What

PAGE: Final = Path(__file__).parents[3] / "docs" / "simulation" / "checks.md"


def table() -> str:
    """A row for each check: standard ones first, in their order."""
    standard = [type(check) for check in standard_checks()]
    exported = [each for each in vars(package).values() if inspect.isclass(each)]
    others = [
        each
        for each in exported
        if issubclass(each, Check) and each not in (Check, Sometimes, *standard)
    ]
    return "\n".join(
        f"| `{cls.__name__}` | {'yes' if cls in standard else ''} | {first_words(cls)} |"
        for cls in [*standard, *others]
    )


def first_words(cls: type[Check]) -> str:
    """The first paragraph of its docstring."""
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split()).replace("``", "`")


def examples() -> dict[str, Any]:
    """Run all Python on the page, in its order, and return what it defines."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        exec(block, names)
    return names


def test_the_page_has_the_table_of_the_code() -> None:
    assert table() in PAGE.read_text("utf-8"), table()


def test_the_checks_that_the_page_makes_can_be_made() -> None:
    assert [check.name for check in examples()["wanted"]] == [
        "error_rate",
        "error_rate",
        "latency",
        "available",
        "comes_back",
        "sometimes(an ejection)",
    ]


def test_the_function_on_the_page_finds_a_teapot() -> None:
    play = Play(examples()["no_teapots"])
    play.tell(1.0, What.ANSWER, "web", 200, 2, 5, "s1", req=1)
    play.tell(2.0, What.ANSWER, "web", 418, 2, 5, "s1", req=2)
    assert play.end() == ["web was answered by a teapot"]


def test_the_class_on_the_page_finds_a_second_server() -> None:
    play = Play(examples()["OneServerAnswersAll"]())
    play.lb(1.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(2.0, What.SELECT, "s1", "default", 0, req=1)
    play.lb(3.0, What.SELECT, "s2", "default", 0, req=1)
    assert play.end() == ["tried at s1, and now at s2"]
