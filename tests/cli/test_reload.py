"""SIGHUP: a changed file comes in force whole, a bad one not at all, and no request notices."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.cli.test_program import FRONT, GET, Running, config, start
from tests.support.world import World
from trio_lb.cli.arguments import Parser
from trio_lb.cli.reload import Read
from trio_lb.cli.run_options import add_run_arguments, configuration
from trio_lb.config.schema import Config
from trio_lb.model.address import Address
from trio_lb.model.errors import ConfigError, Problem

NOBODY = Address("10.0.0.9", 80)
UNCHANGED = (
    "info SIGHUP: configuration and certificates were read again; the configuration is as it was"
)


class Rereading:
    """A program whose configuration is what the test says, each time it is read."""

    def __init__(self, plan: Config) -> None:
        self.answer: Callable[[], Config] = lambda: plan
        self.warnings: list[Problem] = []

    def __call__(self) -> tuple[Config, list[Problem]]:
        return self.answer(), self.warnings


async def hang_up(world: World, running: Running) -> list[str]:
    """Send SIGHUP; return the lines that it led to."""
    before = len(running.log)
    world.sim.send_signal("SIGHUP")
    await trio.sleep(0.5)
    return running.log[before:]


async def open_program(
    world: World, nursery: trio.Nursery, plan: Config, **options: Any
) -> tuple[Running, Rereading]:
    reading = Rereading(plan)
    return await start(world, nursery, plan, read=reading, **options), reading


async def test_other_servers_take_over_and_a_request_under_way_ends_where_it_is(
    world: World, nursery: trio.Nursery
) -> None:
    old, new = await world.http_server("old"), await world.http_server("new")
    old.think_seconds = 8.0
    running, reading = await open_program(world, nursery, config(old.address))
    client = await world.client(FRONT, host="lb")
    await client.send(GET)
    await trio.sleep(1)
    reading.answer = lambda: config(new.address)
    lines = await hang_up(world, running)
    assert [line for line in lines if "configuration" in line] == [
        f"info configuration updated: pools.default.servers.{old.address}: removed; "
        f"pools.default.servers.{new.address}: added",
        "info SIGHUP: configuration and certificates were read again",
    ]
    second = await world.client(FRONT, host="lb")
    await second.send(GET)
    assert (await second.read_response()).body == b"new"
    assert (await client.read_response()).body == b"old"
    await client.send(GET)
    assert (await client.read_response()).body == b"new", "the same connection, the next request"
    for each in (client, second):
        each.reset()
    world.sim.send_signal("SIGTERM")


async def test_reloads_under_load_cost_no_request(world: World, nursery: trio.Nursery) -> None:
    servers = [await world.http_server(f"s{number}") for number in range(3)]
    for server in servers:
        server.think_seconds = 0.03
    plans = [
        config(servers[0].address, servers[1].address),
        config(servers[2].address, servers[1].address, algorithm="least_connections"),
        config(servers[1].address, timeouts={"total": 5}, drain_timeout=1),
    ]
    running, reading = await open_program(world, nursery, plans[0])
    statuses: list[int] = []

    async def keep_asking(number: int) -> None:
        client = await world.client(FRONT, host="lb")
        while True:
            await client.send(GET)
            statuses.append((await client.read_response()).status)

    with trio.move_on_after(8.0):
        async with trio.open_nursery() as crowd:
            for number in range(6):
                crowd.start_soon(keep_asking, number)
            for turn in range(15):
                reading.answer = partial(plans.__getitem__, turn % 3)
                await hang_up(world, running)
    assert set(statuses) == {200}
    assert len(statuses) > 1000
    assert sum("configuration updated" in line for line in running.log) == 14
    world.sim.send_signal("SIGTERM")


async def test_a_bad_file_is_refused_with_every_problem_and_changes_nothing(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    running, reading = await open_program(world, nursery, config(server.address))

    def refuse() -> Config:
        raise ConfigError(
            [Problem("a", "is odd", "lb.yaml", 3), Problem("b", "is even", "lb.yaml", 7)]
        )

    reading.answer = refuse
    assert await hang_up(world, running) == [
        "error configuration: lb.yaml:3 a: is odd",
        "error configuration: lb.yaml:7 b: is even",
        "error configuration refused; the old one stays in force",
    ]
    assert await running.ask() == 200
    reading.answer = lambda: config(server.address)
    assert await hang_up(world, running) == [UNCHANGED]
    world.sim.send_signal("SIGTERM")


async def test_a_fault_of_the_reading_leaves_everything_as_it_is(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    running, reading = await open_program(world, nursery, config(server.address))

    def fail() -> Config:
        raise ZeroDivisionError("code of somebody else's")

    reading.answer = fail
    first, *rest = await hang_up(world, running)
    assert first == "error SIGHUP: the configuration cannot be read; the old one stays in force"
    assert rest[-1] == "ZeroDivisionError: code of somebody else's"
    assert await running.ask() == 200
    world.sim.send_signal("SIGTERM")


async def test_a_listener_that_would_move_refuses_the_whole(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    running, reading = await open_program(world, nursery, config(server.address))
    reading.answer = lambda: config(NOBODY, listeners=[{"port": 8001}])
    assert await hang_up(world, running) == [
        "error configuration: listeners: listeners do not change while the balancer runs, "
        "but for their ssl (listeners[0].bind.host: 127.0.0.1 -> 0.0.0.0; "
        "listeners[0].bind.port: 8000 -> 8001): that takes a restart",
        "error configuration refused; the old one stays in force",
    ]
    assert await running.ask() == 200
    world.sim.send_signal("SIGTERM")


async def test_limits_and_timeouts_count_from_the_next_connection_on(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    server.think_seconds = 5.0
    running, reading = await open_program(world, nursery, config(server.address))
    assert await running.ask() == 200
    reading.answer = lambda: config(server.address, max_retries=0, timeouts={"first_byte": 2})
    await hang_up(world, running)
    began = trio.current_time()
    assert await running.ask() == 504
    assert trio.current_time() - began == pytest.approx(2.0, abs=0.01)
    world.sim.send_signal("SIGTERM")


async def test_the_log_s_level_changes_at_once_and_the_access_log_s_place_does_not(
    world: World, nursery: trio.Nursery
) -> None:
    running, reading = await open_program(world, nursery, config(NOBODY))
    quiet = {"level": "warning", "access": {"format": "json", "file": "/access"}}
    reading.answer = lambda: config(NOBODY, logging=quiet)
    lines = await hang_up(world, running)
    assert lines[0].startswith("info configuration updated: logging.")
    assert lines[1:] == ["warning SIGHUP: logging.access changes with a restart"]
    world.sim.send_signal("SIGTERM")


async def test_warnings_of_the_file_are_told_again(world: World, nursery: trio.Nursery) -> None:
    running, reading = await open_program(world, nursery, config(NOBODY))
    reading.warnings = [Problem("x", "odd", "lb.yaml", 1, "warning")]
    assert await hang_up(world, running) == ["warning lb.yaml:1 x: odd", UNCHANGED]
    world.sim.send_signal("SIGTERM")


async def test_the_options_of_the_command_line_stand_above_the_file_again(
    world: World, nursery: trio.Nursery, tmp_path: Path
) -> None:
    server = await world.http_server("s1")
    path = tmp_path / "lb.yaml"
    path.write_text("servers: [10.0.0.9:80]\nmax_retries: 0\n")
    parser = Parser(prog="run")
    add_run_arguments(parser)
    args = parser.parse(
        [str(path), "-p", "8000", "-b", str(server.address), "--set", "timeouts.total=9"]
    )
    plan, _ = configuration(args)
    read: Read = lambda: configuration(args)  # noqa: E731  # named for its type
    running = await start(world, nursery, plan, read=read)
    path.write_text("servers: [10.0.0.8:80]\nmax_retries: 1\n")
    lines = await hang_up(world, running)
    assert "info configuration updated: pools.default.retry.max_retries: 0 -> 1" in lines
    assert await running.ask() == 200, "-b names the servers still"
    path.unlink()
    assert await hang_up(world, running) == [
        f"error configuration: {path} cannot be read: No such file or directory",
        "error configuration refused; the old one stays in force",
    ]
    assert await running.ask() == 200
    world.sim.send_signal("SIGTERM")
