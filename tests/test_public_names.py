"""The names of ``trio_lb``: each leads to what it says, is typed, and costs nothing until used."""

import ast
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import trio

import trio_lb
from tests.support.world import World
from trio_lb.model.events import Event

EVENTS: Final = [name for name, home in trio_lb._HOME_OF.items() if home == Event.__module__]
NOT_YET_TOLD: Final = {"event", "session_created", "sessions_cleaned"}
"""The root of all, and what nothing publishes in this version."""

SOURCE: Final = Path(trio_lb.__file__).read_text("utf-8")


@pytest.mark.parametrize("name", trio_lb.__all__)
def test_each_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(trio_lb, name)
    assert name in {"__version__", "Middleware"} or value.__doc__


def test_type_checkers_see_the_same_names_as_programs() -> None:
    (block,) = (each for each in ast.parse(SOURCE).body if isinstance(each, ast.If))
    seen = {
        (each.module, alias.asname)
        for each in block.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    assert seen == {(home, name) for name, home in trio_lb._HOME_OF.items()}


def test_every_class_of_events_is_public() -> None:
    kinds: set[type[Event]] = {Event, *Event.__subclasses__()}
    kinds |= {child for kind in list(kinds) for child in kind.__subclasses__()}
    assert {kind.__name__ for kind in kinds} <= set(trio_lb.__all__)


def test_the_reference_names_every_event() -> None:
    page = Path(__file__).resolve().parent.parent / "docs" / "reference" / "python.md"
    text = page.read_text("utf-8")
    kinds = map(partial(getattr, trio_lb), EVENTS)
    names = {kind.name for kind in kinds if hasattr(kind, "name")}
    assert {name for name in names if f"`{name}`" not in text} == NOT_YET_TOLD


async def test_a_whole_balancer_is_described_in_code(world: World) -> None:
    async def here(request: trio_lb.Request) -> str:
        await trio.lowlevel.checkpoint()
        return "here"

    config = trio_lb.Config(
        name="shop",
        listeners=(trio_lb.ListenerConfig(bind=trio_lb.Address("127.0.0.1", 8000)),),
        pools={
            "default": trio_lb.PoolConfig(
                algorithm="least_connections",
                servers=(
                    trio_lb.ServerConfig(id="a", address=trio_lb.Address("app:a", 0), app=here),
                ),
                health_check=trio_lb.HealthCheckConfig(
                    probes=(trio_lb.ProbeConfig(path="/health"),), interval=5.0
                ),
                circuit_breaker=trio_lb.BreakerConfig(failure_threshold=3),
                retry=trio_lb.RetryConfig(max_retries=1),
            )
        },
        logging=trio_lb.LoggingConfig(level="warning"),
        timeouts=trio_lb.TimeoutsConfig(first_byte=5.0),
    )
    async with trio_lb.open_load_balancer(config, env=world.env) as lb:
        await lb.wait_ready()
        async with await lb.route(trio_lb.Request("GET", "/")) as response:
            assert (lb.name, await response.read()) == ("shop", b"here")
        assert lb.breaker("a").state is trio_lb.BreakerState.CLOSED


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'trio_lb' has no attribute 'LodeBalancer'"):
        _ = trio_lb.LodeBalancer
    assert set(trio_lb.__all__) <= set(dir(trio_lb))


def test_importing_the_package_loads_nothing_but_itself() -> None:
    program = "import trio_lb, sys; print(*sorted(n for n in sys.modules if n[:7] == 'trio_lb'))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["trio_lb", "trio_lb._version"]
