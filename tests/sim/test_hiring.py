"""Who is behind a balancer, and what happens to those who are."""

from typing import Any

import trio

from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.fluent import Crash, DeployWave, ScaleUp, at, random_of
from trio_lb.sim.faults.target import Sort
from trio_lb.sim.result import Result
from trio_lb.sim.simulation import Simulation


async def answer(stream: Any) -> None:
    async for _ in stream:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Town:
    """Three programs behind a balancer, and one that only is there."""

    def __init__(self) -> None:
        self.begun: list[tuple[float, str]] = []
        self.sim = Simulation(seed=7)
        for name in ("app-1", "app-2", "app-3", "cron"):
            self.sim.host(name, self.program)
        servers = ["app-1:80", "app-2:80", {"address": "app-3:80", "id": "third"}]
        self.sim.balancer({"servers": servers})
        self.sim.clients("web", OpenLoop(Every(0.05)))

    async def program(self, env: SimEnv) -> None:
        self.begun.append((trio.current_time(), trio.lowlevel.current_task().name))
        await trio.serve_tcp(answer, 80)

    def run(self, *faults: Any) -> Result:
        self.sim.faults(*faults)
        return self.sim.run(until=40)


def test_programs_that_a_balancer_names_are_behind_it() -> None:
    sim = Town().sim
    sim.server("s1", address="10.9.0.1")
    sim.balancer({"servers": ["10.9.0.1:80", "new:80"]}, name="other")
    sim.hire_balancers()
    assert sim.behind == {"lb": ["app-1", "app-2", "app-3"], "other": ["s1", "new-80"]}
    assert sim.cast.programs == ["app-1", "app-2", "app-3"]
    assert sim.cast.servers == ["s1", "new-80"]


def test_a_deployment_restarts_programs_wave_by_wave() -> None:
    town = Town()
    assert town.run(at(10, DeployWave("lb:lb", share=0.34, every="10s"))).ok
    assert town.begun[4:] == [
        (11.0, "program app-1"),
        (11.0, "program app-2"),
        (21.0, "program app-3"),
    ]


def test_a_server_that_is_hired_is_behind_who_hired_it() -> None:
    sim = Simulation(seed=7)
    sim.server("s1")
    sim.balancer({})
    sim.clients("web", OpenLoop(Every(0.1)))
    sim.faults(at(2, ScaleUp("lb:lb")))
    assert sim.run(until=5).ok
    assert sim.behind == {"lb": ["s1", "new1"]}


def test_servers_drawn_by_chance_may_be_programs() -> None:
    town = Town()
    result = town.run(at(10, Crash(random_of("servers", count=3), for_="1s")))
    assert sorted(str(each.target) for each in result.faults) == [
        *("server:app-1", "server:app-2", "server:app-3"),
    ]
    assert all(each.target.sort is Sort.SERVER for each in result.faults)
    assert [at for at, _ in town.begun[4:]] == [11.0] * 3
