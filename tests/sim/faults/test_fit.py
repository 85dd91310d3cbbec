"""What a world lacks for a fault is told before anything happens, with number, file and line."""

from pathlib import Path

import pytest

from tests.sim.faults.play import Play, fault, play
from trio_lb.model.errors import ConfigError
from trio_lb.sim.actors.client import OpenLoop
from trio_lb.sim.arrivals import Every
from trio_lb.sim.env import SimEnv
from trio_lb.sim.faults.agenda import Agenda
from trio_lb.sim.faults.read import read_schedule
from trio_lb.sim.simulation import Simulation


def sorry(world: Play, kind: str, target: str) -> str:
    with pytest.raises(ConfigError) as caught:
        Agenda(world, [fault(0.0, "reload", "lb:lb"), fault(600.0, kind, target)])
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "target", "says"),
    [
        ("scale_up", "lb:lb", "there is no server of the simulation to copy: scale_up makes more"),
        ("deploy_wave", "lb:lb", "lb:lb has no servers: deploy_wave has nobody to restart"),
        ("rotate_certificate", "lb:lb", "lb:lb has no certificate: none of its listeners speaks"),
        ("expire_certificate", "lb:lb", "lb:lb has no certificate: none of its listeners speaks"),
        ("scale_down", "lb:lbb", "there is no balancer 'lbb'; did you mean 'lb'?"),
        ("slow_cpu", "host:lb", "host 'lb' cannot be slow, for what it does costs no time: give"),
        ("clock_skew", "server:s1", "nothing runs on 's1' that asks for the time; only balancers"),
        ("slow", "server:app", "'app' is no server of the simulation, and slow needs one"),
    ],
)
def test_what_a_world_lacks_is_told_with_the_fault_s_number(
    kind: str, target: str, says: str
) -> None:
    async def scene(world: Play) -> None:
        world.servers.clear()
        world.behind["lb"] = []
        world.balancers["lb"].certificates = None
        world.programs["app"] = world.actor("app")
        assert sorry(world, kind, target).startswith(f"[1]: {says}")

    play(scene)


def test_a_program_may_take_a_processor_when_it_begins() -> None:
    async def scene(world: Play) -> None:
        world.programs["app"] = world.actor("app")
        Agenda(world, [fault(600.0, "slow_cpu", "host:app")])

    play(scene)


async def nothing(env: SimEnv) -> None:
    """A program that is there, and ends."""


@pytest.mark.parametrize(
    "line",
    [
        "{at: 5s, kind: scale_up, target: lb}",
        "{at: 5s, kind: slow, target: {random: servers}}",
        "{at: 5s, kind: rotate_certificate, target: lb}",
    ],
)
def test_a_fault_of_a_file_is_refused_with_its_line(line: str, tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(f"# one\n- {line}\n")
    sim = Simulation()
    sim.host("app", nothing)
    sim.balancer({"servers": ["app:80"]})
    sim.clients("web", OpenLoop(Every(1.0)))
    sim.faults(read_schedule(path))
    with pytest.raises(ConfigError) as caught:
        sim.direct(10)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.path) == (str(path), 2, "[0]")
