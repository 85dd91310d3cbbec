"""``trio-lb run`` as a program, in virtual time: what it says, and with which number it ends."""

import errno
import json
from typing import Any

import attrs
import pytest
import trio

from tests.support.world import World
from trio_lb.cli.exits import Exit
from trio_lb.cli.program import Program, ready_line
from trio_lb.config.load import load_mapping
from trio_lb.config.schema import Config
from trio_lb.model.address import Address
from trio_lb.model.errors import Problem
from trio_lb.observe.logs import as_json
from trio_lb.sim.env import SimEnv
from trio_lb.sim.sink import VirtualSink

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ODD = Problem("", "odd", "lb.yaml", 1, "warning")
FRONT = Address("127.0.0.1", 8000)


def config(*servers: object, **more: object) -> Config:
    return load_mapping(
        {"listeners": [{"bind": str(FRONT)}], "servers": [str(each) for each in servers], **more}
    )


@attrs.define
class Running:
    """A program that was started; ``ended`` is its code and the instant, once it has one."""

    world: World
    ended: tuple[Exit, float] | None = None

    async def run(self, program: Program) -> None:
        self.ended = await program.main(), self.world.env.now()

    @property
    def log(self) -> list[str]:
        """Standard error, without the times."""
        lines = self.world.sim.sink("-").data.decode().splitlines()
        return [line[25:] if line.startswith("2026-") else line for line in lines]

    async def ask(self) -> int:
        client = await self.world.client(FRONT, host="lb")
        await client.send(GET)
        status = (await client.read_response()).status
        client.reset()
        return status


async def start(
    world: World, nursery: trio.Nursery, plan: Config, env: SimEnv | None = None, **options: Any
) -> Running:
    """Start the program, and let a second pass so that its first checks are over."""
    running = Running(world)
    nursery.start_soon(running.run, Program(plan, env or world.sim, **options))
    await trio.sleep(1)
    return running


async def test_says_when_it_is_ready_serves_and_ends_with_0(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    running = await start(world, nursery, config(server.address))
    ready = "trio-lb: ready, listening on http://127.0.0.1:8000 (1 server in pool 'default')"
    assert ready in running.log[:2]
    assert await running.ask() == 200
    world.sim.send_signal("SIGTERM")
    await trio.sleep(10)
    assert running.ended is not None
    assert running.ended[0] == Exit.OK
    assert running.log[-3:] == [
        "info SIGTERM: stopping; requests in flight: 0, with 30 s to end (again: ends at once)",
        "info listener 127.0.0.1:8000: closed",
        "info stopped; every request has ended",
    ]


async def test_settles_once_when_the_start_is_over(world: World, nursery: trio.Nursery) -> None:
    running = Running(world)
    settled: list[float] = []
    plan = config("10.0.0.9:80")
    program = Program(plan, world.sim, settle=lambda: settled.append(world.env.now()))
    nursery.start_soon(running.run, program)
    await trio.sleep(60)
    assert len(settled) == 1
    assert settled[0] < 1
    assert await running.ask() == 502


async def test_a_start_that_fails_settles_nothing(world: World) -> None:
    taken = await world.env.network.listen(FRONT)
    settled: list[bool] = []
    running = Running(world)
    await running.run(
        Program(config("10.0.0.9:80"), world.sim, settle=lambda: settled.append(True))
    )
    assert settled == []
    await taken.aclose()


def test_the_ready_line_counts_the_servers_of_each_pool_that_answers() -> None:
    plan = load_mapping(
        {
            "listeners": [{"bind": "127.0.0.1:1"}, {"bind": "[::1]:2", "pool": "api"}],
            "servers": ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3"],
            "pools": {"api": {"servers": ["10.0.0.2:1"]}, "unused": {"servers": ["10.0.0.3:1"]}},
        }
    )
    assert ready_line([Address("127.0.0.1", 1), Address("::1", 2)], plan) == (
        "trio-lb: ready, listening on http://127.0.0.1:1, http://[::1]:2 "
        "(3 servers in pool 'default', 1 server in pool 'api')"
    )


async def test_a_request_in_flight_is_waited_for(world: World, nursery: trio.Nursery) -> None:
    server = await world.http_server("s1")
    server.think_seconds = 20.0
    running = await start(world, nursery, config(server.address))
    client = await world.client(FRONT, host="lb")
    await client.send(GET)
    await trio.sleep(1)
    world.sim.send_signal("SIGINT")
    assert (await client.read_response()).status == 200
    await trio.sleep(1)
    assert running.ended is not None
    assert running.ended[0] == Exit.OK
    assert 21.0 <= running.ended[1] <= 21.1
    assert any("SIGINT: stopping; requests in flight: 1" in line for line in running.log)


async def test_the_drain_s_end_cuts_what_is_left_and_is_75(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    server.think_seconds = 1000.0
    plan = config(server.address, drain_timeout="10s", timeouts={"first_byte": "2000s"})
    running = await start(world, nursery, plan)
    client = await world.client(FRONT, host="lb")
    await client.send(GET)
    await trio.sleep(1)
    world.sim.send_signal("SIGTERM")
    await trio.sleep(20)
    assert running.ended == (Exit.DRAIN_TIMED_OUT, 12.0)
    assert "warning stopped; requests cut before their end: 1" in running.log


async def test_the_second_signal_ends_it_at_once_with_75(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    server.think_seconds = 1000.0
    running = await start(world, nursery, config(server.address))
    client = await world.client(FRONT, host="lb")
    await client.send(GET)
    await trio.sleep(1)
    world.sim.send_signal("SIGTERM")
    await trio.sleep(2)
    world.sim.send_signal("SIGTERM")
    await trio.sleep(1)
    assert running.ended == (Exit.DRAIN_TIMED_OUT, 4.0)
    assert "warning SIGTERM again: ending at once" in running.log


async def test_a_stop_that_cuts_no_request_says_what_it_cut(
    world: World, nursery: trio.Nursery
) -> None:
    plan = config("10.0.0.9:80", drain_timeout="5s", accept_grace="1s")
    running = await start(world, nursery, plan)
    client = await world.client(FRONT, host="lb")
    await client.send(b"GET / HT")
    world.sim.send_signal("SIGTERM")
    await trio.sleep(6)
    assert running.ended == (Exit.DRAIN_TIMED_OUT, 6.0)
    assert "warning stopped; no request was cut, but 1 connection that had begun" in running.log


async def test_a_stop_that_takes_long_still_heeds_the_other_signals(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    server.think_seconds = 20.0
    running = await start(world, nursery, config(server.address))
    client = await world.client(FRONT, host="lb")
    await client.send(GET)
    await trio.sleep(1)
    for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGQUIT"):
        world.sim.send_signal(name)
        await trio.sleep(1)
    assert "warning SIGHUP: nothing is read again by a program that stops" in running.log
    assert "info SIGUSR1: there is no access log to open anew" in running.log
    assert any("<init>" in line for line in running.log), "the tree of tasks"
    assert (await client.read_response()).status == 200


async def test_the_statistics_block_comes_exactly_once_a_period(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    running = await start(world, nursery, config(server.address), stats_period_seconds=30.0)
    out = world.sim.sink("/dev/stdout")
    assert await running.ask() == 200
    await trio.sleep_until(29.9)
    assert out.data == b""
    await trio.sleep_until(30.1)
    block = out.data.decode()
    assert block.splitlines()[1:3] == [
        "Total Active Connections: 0",
        f"Backend[0] {server.address}: Status=HEALTHY, Active=0, Total=1, Failed=0",
    ]
    await trio.sleep_until(90.1)
    assert out.data.decode() == block * 3
    world.sim.send_signal("SIGTERM")


async def test_a_standard_output_that_nobody_reads_holds_nothing_up(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    world.sim.sink("/dev/stdout").hang()
    running = await start(world, nursery, config(server.address), stats_period_seconds=1.0)
    await trio.sleep(100)
    assert await running.ask() == 200
    world.sim.send_signal("SIGTERM")
    await trio.sleep(10)
    assert running.ended is not None
    assert running.ended[0] == Exit.OK


async def test_sigusr1_opens_the_access_log_anew(world: World, nursery: trio.Nursery) -> None:
    server = await world.http_server("s1")
    access = {"access": {"format": "logfmt", "file": "/access"}}
    running = await start(world, nursery, config(server.address, logging=access))
    await running.ask()
    world.sim.send_signal("SIGUSR1")
    await trio.sleep(1)
    await running.ask()
    world.sim.send_signal("SIGTERM")
    await trio.sleep(10)
    sink = world.sim.sink("/access")
    assert [data.count(b"status=200") for data in (*sink.rotated, sink.data)] == [1, 1]


async def test_other_signals_are_answered_and_change_nothing(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    running = await start(world, nursery, config(server.address))
    for name in ("SIGHUP", "SIGUSR1", "SIGQUIT"):
        world.sim.send_signal(name)
    await trio.sleep(1)
    assert await running.ask() == 200
    assert (
        "info SIGHUP: configuration and certificates were read again; "
        "the configuration is as it was" in running.log
    )
    assert "info SIGUSR1: there is no access log to open anew" in running.log
    assert any("writer of standard error  at observe/lines.py" in line for line in running.log)
    world.sim.send_signal("SIGTERM")


async def test_json_logs_are_json_from_the_first_line_to_the_last(
    world: World, nursery: trio.Nursery
) -> None:
    server = await world.http_server("s1")
    running = await start(world, nursery, config(server.address), render=as_json)
    world.sim.send_signal("SIGTERM")
    await trio.sleep(10)
    assert running.ended is not None
    messages = [json.loads(line)["message"] for line in running.log]
    assert any(text.startswith("trio-lb: ready, listening on ") for text in messages)
    assert messages[-1] == "stopped; every request has ended"


async def test_starts_without_any_server_and_says_so_once(
    world: World, nursery: trio.Nursery
) -> None:
    plan = config("10.0.0.9:80", "10.0.0.9:81", health_check={"interval": "5s"})
    running = await start(world, nursery, plan)
    await trio.sleep(60)
    assert await running.ask() == 503
    assert sum("passed the first check" in line for line in running.log) == 1
    world.sim.send_signal("SIGTERM")


async def test_warnings_come_before_everything(world: World, nursery: trio.Nursery) -> None:
    @attrs.define
    class Low:
        soft: int = 64

        def get(self) -> tuple[int, int]:
            return self.soft, 64

        def raise_to(self, soft: int) -> None:
            self.soft = soft

    running = await start(world, nursery, config("10.0.0.9:80"), file_limit=Low(), warnings=[ODD])
    assert running.log[0] == "warning lb.yaml:1 odd"
    assert running.log[1].startswith("warning file limit: 64 descriptors (hard limit 64), but ")
    world.sim.send_signal("SIGTERM")


class BrokenEnv(SimEnv):
    """A world in which files cannot be opened, or worse."""

    def __init__(self, sim: SimEnv, open_error: Exception) -> None:
        super().__init__(sim.network)
        self._sim = sim
        self._open_error = open_error

    def open_sink(self, path: str) -> VirtualSink:
        if path == "-":
            return self._sim.open_sink(path)
        raise self._open_error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied"),
            Exit.FAILURE,
            "error access log /access: cannot be opened: Permission denied",
        ),
        (ZeroDivisionError("a bug"), Exit.SOFTWARE, "error internal fault; the program ends"),
    ],
)
async def test_a_file_that_cannot_be_opened_is_told_apart_from_a_bug(
    world: World, error: Exception, code: Exit, line: str
) -> None:
    access = {"access": {"format": "json", "file": "/access"}}
    env = BrokenEnv(world.sim, error)
    running = Running(world)
    await running.run(Program(config("10.0.0.9:80", logging=access), env))
    assert running.ended is not None
    assert running.ended[0] == code
    assert running.log[0] == line
    assert ("ZeroDivisionError: a bug" in running.log) is (code == Exit.SOFTWARE)
