"""The README's Python blocks run, and what they promise comes true; its links lead somewhere."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

import pytest
import trio

from tests.support.messages import Message
from tests.support.stage import until
from tests.support.world import World
from trio_lb.config.load import examine_text
from trio_lb.model.address import Address
from trio_lb.sim.scenarios.catalogue import MODULES

ROOT: Final = Path(__file__).resolve().parent.parent
README: Final = (ROOT / "README.md").read_text("utf-8")
WORDS: Final = {16: "sixteen", 17: "seventeen", 18: "eighteen"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


@pytest.mark.real
@pytest.mark.parametrize("stage_kind", ["loopback"], indirect=True)
async def test_the_embedded_balancer_balances(any_world: World, nursery: trio.Nursery) -> None:
    servers = [await any_world.http_server(name) for name in ("s1", "s2")]
    printed: list[str] = []
    main = program(blocks("python")[0], servers[0].address, servers[1].address, printed.append)
    nursery.start_soon(main)
    await until(any_world.stage, lambda: {"first check passed"} < words(printed))
    front = re.search(r"balancing on http://([\d.]+):(\d+)", "\n".join(printed))
    assert front
    client = await any_world.client(Address(front[1], int(front[2])))
    answers = [await ask(client) for _ in range(2)]
    assert sorted(answer.body for answer in answers) == [b"s1", b"s2"]


def program(
    block: str, first: Address, second: Address, say: Callable[[str], None]
) -> Callable[[], Any]:
    """The block's ``main``, on free ports, printing into a list; the test is who runs it."""
    source = block.replace("127.0.0.1:8000", "127.0.0.1:0").removesuffix("trio.run(main)\n")
    assert source != block
    source = source.replace("127.0.0.1:9001", str(first)).replace("127.0.0.1:9002", str(second))
    names: dict[str, Any] = {"print": lambda *parts: say(" ".join(map(str, parts)))}
    exec(compile(source, "README.md", "exec"), names)  # The block is ours.
    main: Callable[[], Any] = names["main"]
    return main


def words(printed: list[str]) -> set[str]:
    """Each server's reason once both have one, and the whole lines."""
    reasons = [line.partition(" ")[2] for line in printed if "check" in line]
    return {*printed, *(reasons if len(reasons) == 2 else [])}


async def ask(client: Any) -> Message:
    await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    answer: Message = await client.read_response()
    return answer


def test_the_machine_prints_what_the_readme_says_it_prints() -> None:
    block = blocks("python")[1]
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(block, "README.md", "exec"), {})  # The block is ours.
    assert out.getvalue().splitlines() == re.findall(r"^# (.*)$", block, re.M)


def test_the_files_in_it_are_good_configurations_without_a_warning() -> None:
    small, large = blocks("yaml")
    assert problems_of(small) == []
    missing = [text for text in problems_of(large) if "certificates[" not in text]
    assert (missing, len(problems_of(large))) == ([], 4), "its four files, and nothing else"


def problems_of(block: str) -> list[str]:
    examined = examine_text(block, name="README.yaml", environ={})
    assert examined.config is not None
    return [str(problem) for problem in examined.problems]


def test_its_links_lead_to_files_that_are_there() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    local = [link for link in links if not link.startswith("http")]
    assert [link for link in local if not (ROOT / link).exists()] == []
    assert len(local) >= 6


def test_the_simulation_recovers_as_the_readme_says_and_not_without_its_budget() -> None:
    with_budget = blocks("python")[2]
    without = with_budget.replace('"budget": True', '"budget": False').replace(
        '"timeouts":', '"outlier_detection": False, "timeouts":'
    )
    assert len([line for line in with_budget.splitlines() if line]) <= 12
    last_good = [
        next(line for line in printed_by(text).splitlines() if line.strip().startswith("good"))
        for text in (with_budget, without)
    ]
    recovered, stuck = (line.partition(" peak ")[0][-10:] for line in last_good)
    assert " " not in recovered
    assert stuck == " " * 10


def test_the_readme_counts_the_scenarios_rightly() -> None:
    stories = len([name for name in MODULES if name != "fleet"])
    assert f"# {WORDS[stories]} stories of outages" in README


def printed_by(text: str) -> str:
    """Run a program of the README by itself, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout
